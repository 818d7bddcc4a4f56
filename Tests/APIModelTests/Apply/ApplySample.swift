import Testing

@testable import APIModel

/// Kinds and readers that the tests of apply share.
enum ApplySample {
    static func json(_ text: String) -> Value {
        do {
            return try JSON.decode(Array(text.utf8))
        } catch {
            Issue.record("\(text): \(error)")
            return .null
        }
    }

    static func set(_ text: String) throws -> FieldSet { try FieldSet(fieldsV1: json(text)) }

    static func text(_ set: FieldSet) -> String { String(decoding: JSON.encode(set.fieldsV1), as: UTF8.self) }

    static let pod = shape("", "v1", "pods")
    static let deployment = shape("apps", "v1", "deployments")

    private static func shape(_ group: String, _ version: String, _ name: String) -> MergeShape {
        guard let type = Catalogue.builtin.resource(GroupVersionResource(group: group, version: version, resource: name)) else {
            preconditionFailure("the catalogue has no \(name)")
        }
        return MergeShape(type)
    }

    /// A custom kind with a list of every sort.
    static let custom: MergeShape = {
        let schema: Value = [
            "type": "object",
            "properties": [
                "spec": [
                    "type": "object",
                    "properties": [
                        "size": ["type": "integer"], "name": ["type": "string"],
                        "tags": ["type": "array", "x-kubernetes-list-type": "set", "items": ["type": "string"]],
                        "args": ["type": "array", "items": ["type": "string"]],
                        "ports": [
                            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["port", "protocol"],
                            "items": [
                                "type": "object",
                                "properties": [
                                    "port": ["type": "integer"], "protocol": ["type": "string", "default": "TCP"],
                                    "name": ["type": "string"],
                                ],
                            ],
                        ],
                        "selector": [
                            "type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": ["type": "string"],
                        ],
                        "labels": ["type": "object", "additionalProperties": ["type": "string"]],
                        "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
                        "either": ["x-kubernetes-int-or-string": true],
                    ],
                ]
            ],
        ]
        do {
            let compiled = try CustomSchema(schema) { _ in { _ in true } }
            let type = compiled.type(named: "Widget")
            return MergeShape(TypeReference(name: "Widget") { _ in type })
        } catch {
            preconditionFailure("\(error)")
        }
    }()
}

/// One version of one kind.
struct OneVersion: FieldVersions {
    static let name = "example.com/v1"
    var shape: MergeShape
    var filter = FieldFilter.none

    func version(_ apiVersion: String) -> (shape: MergeShape, filter: FieldFilter)? { apiVersion == Self.name ? (shape, filter) : nil }
    func convert(_ object: Value, to apiVersion: String) async throws -> Value { object }
}
