internal import OrderedCollections

/// A page that is of no group and version, which OpenAPI 3.0 has in a document of its own: discovery, the version, service accounts' keys.
public struct OpenAPIPage: Sendable {
    /// As the index of the documents names it: `apis/apps`.
    public var path: String
    /// The type of the answer; `nil` for one that OpenAPI knows nothing of.
    private var type: String?
    private var forms = ["application/json"]
    private var operation: String
    private var tag: String

    private static let meta = "io.k8s.apimachinery.pkg.apis.meta.v1."

    private static func discovery(_ path: String, _ type: String, _ operation: String, tag: String) -> OpenAPIPage {
        let forms = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]
        return OpenAPIPage(path: path, type: meta + type, forms: forms, operation: operation, tag: tag)
    }

    /// All there are where `kinds` are served.
    public static func all(_ kinds: Kinds) -> [OpenAPIPage] {
        let groups = kinds.groups.filter { !$0.name.isEmpty }.map { group in
            let title = OpenAPIPaths.title(group.name)
            return discovery(
                "apis/\(group.name)", "APIGroup", "get\(title)APIGroup", tag: "\(title.prefix(1).lowercased())\(title.dropFirst())")
        }
        return [
            discovery("api", "APIVersions", "getCoreAPIVersions", tag: "core"),
            discovery("apis", "APIGroupList", "getAPIVersions", tag: "apis"),
            OpenAPIPage(path: "version", type: "io.k8s.apimachinery.pkg.version.Info", operation: "getCodeVersion", tag: "version"),
            OpenAPIPage(
                path: ".well-known/openid-configuration", operation: "getServiceAccountIssuerOpenIDConfiguration", tag: "WellKnown"),
            OpenAPIPage(
                path: "openid/v1/jwks", forms: ["application/jwk-set+json"], operation: "getServiceAccountIssuerOpenIDKeyset",
                tag: "openid"),
        ] + groups
    }

    public func document(_ catalogue: Catalogue) -> Value {
        let form = OpenAPI.Form.v3
        var schemas = OpenAPISchemas(form: form, catalogue: catalogue)
        if let type { schemas.add(type) }
        let schema = type.map(form.reference) ?? ["type": "string"]
        let content = Value.Fields(uniqueKeysWithValues: forms.map { ($0, ["schema": schema]) })
        let operation: Value = [
            "tags": [.string(tag)], "operationId": .string(operation),
            "responses": [
                "200": ["description": "OK", "content": .object(content)], "401": ["description": "Unauthorized"],
            ],
        ]
        return OpenAPI.document(paths: ["/\(path)/": ["get": operation]], schemas: schemas.finished)
    }
}
