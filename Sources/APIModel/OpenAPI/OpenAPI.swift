internal import OrderedCollections

/// The API described in OpenAPI, from the catalogue: what `kubectl explain`, client-side validation and client-side apply read.
///
/// The documents are made anew at each call, in one pass; whoever serves them keeps the bytes.
public enum OpenAPI {
    /// OpenAPI 3.0 for one group and version: its paths, and every schema they lead to.
    public static func v3(groupVersion: GroupVersion, kinds: Kinds) -> Value {
        v3(groupVersion: groupVersion, resources: kinds.resources.filter { $0.groupVersion == groupVersion }, catalogue: kinds.catalogue)
    }

    /// The same for resources that need not be the catalogue's own.
    public static func v3(groupVersion: GroupVersion, resources: [ResourceType], catalogue: Catalogue) -> Value {
        let paths = OpenAPIPaths(form: .v3, catalogue: catalogue).paths(resources)
        var schemas = OpenAPISchemas(form: .v3, catalogue: catalogue)
        for resource in resources { schemas.add(custom: resource) }
        for name in paths.types { schemas.add(name) }
        for entry in catalogue.kinds where entry.kind.groupVersion == groupVersion { schemas.add(entry.type.name) }
        return document(paths: paths.items, schemas: schemas.finished)
    }

    static func document(paths: Value.Fields, schemas: Value.Fields) -> Value {
        [
            "openapi": "3.0.0", "info": info, "paths": .object(paths),
            "components": [
                "schemas": .object(schemas),
                "securitySchemes": [
                    "BearerToken": [
                        "type": "apiKey", "description": "Bearer Token authentication", "name": "authorization", "in": "header",
                    ]
                ],
            ],
        ]
    }

    /// OpenAPI 2.0 for everything.
    public static func v2(kinds: Kinds) -> Value {
        let catalogue = kinds.catalogue
        let paths = OpenAPIPaths(form: .v2, catalogue: catalogue).paths(kinds.resources)
        var schemas = OpenAPISchemas(form: .v2, catalogue: catalogue)
        for resource in kinds.resources { schemas.add(custom: resource) }
        for type in catalogue.types where !undocumented.contains(type.name) { schemas.add(type.name) }
        return [
            "swagger": "2.0", "info": info, "paths": .object(paths.items), "definitions": .object(schemas.finished),
            "securityDefinitions": [
                "BearerToken": ["type": "apiKey", "description": "Bearer Token authentication", "name": "authorization", "in": "header"]
            ],
            "security": [["BearerToken": []]],
        ]
    }

    /// The definitions of an OpenAPI 2.0 document as protobuf, for clients that read nothing else.
    public static func protobuf(_ document: Value) -> [UInt8] { OpenAPIProtobuf.encode(document) }

    enum Form {
        case v2, v3

        func reference(_ type: String) -> Value { ["$ref": .string((self == .v3 ? "#/components/schemas/" : "#/definitions/") + type)] }
    }

    /// Kinds that are forms of any object, which no path names.
    private static let undocumented: Set = [
        "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadata", "io.k8s.apimachinery.pkg.apis.meta.v1.PartialObjectMetadataList",
    ]

    private static let info: Value = ["title": "Kubernetes", "version": "v1.36.0"]

    static func value(_ kind: GroupVersionKind) -> Value {
        ["group": .string(kind.group), "kind": .string(kind.kind), "version": .string(kind.version)]
    }
}
