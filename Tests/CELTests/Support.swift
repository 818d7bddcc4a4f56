import APIModel

@testable import CEL

/// What an expression comes to: its value as text, `error: …` where it has none, `refused: …` and the first line of why where it is no good.
func outcome(_ text: String, in environment: Environment = .kubernetes, _ variables: Variables = [:]) -> String {
    do throws(CompilationError) {
        let program = try environment.compile(text)
        do throws(EvaluationError) {
            var budget = Budget()
            return try program.evaluate(variables, budget: &budget).description
        } catch {
            return "error: \(error)"
        }
    } catch {
        if error.isInstantiation { return "error: program: \(error.message)" }
        let line = error.message.prefix { $0 != "\n" }
        return "refused: \(line.hasPrefix("ERROR: <input>:") ? line.dropFirst(15) : line)"
    }
}

/// An object with a field of each kind, seen through its schema.
enum Example {
    static let schema: Value = [
        "type": "object", "required": ["name"],
        "properties": [
            "name": ["type": "string", "maxLength": 20], "text": ["type": "string"], "count": ["type": "integer", "format": "int32"],
            "ratio": ["type": "number"], "on": ["type": "boolean"], "port": ["x-kubernetes-int-or-string": true],
            "maybe": ["type": "string", "nullable": true], "when": ["type": "string", "format": "date-time"],
            "day": ["type": "string", "format": "date"], "wait": ["type": "string", "format": "duration"],
            "data": ["type": "string", "format": "byte"],
            "tags": [
                "type": "array", "x-kubernetes-list-type": "set", "maxItems": 5, "items": ["type": "string", "maxLength": 5],
            ],
            "ports": [
                "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "maxItems": 3,
                "items": [
                    "type": "object", "required": ["name"],
                    "properties": ["name": ["type": "string", "maxLength": 5], "port": ["type": "integer"]],
                ],
            ],
            "numbers": ["type": "array", "maxItems": 10, "items": ["type": "integer"]],
            "labels": ["type": "object", "maxProperties": 4, "additionalProperties": ["type": "string", "maxLength": 8]],
            "embedded": ["type": "object", "x-kubernetes-embedded-resource": true],
            "free": ["type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": ["known": ["type": "integer"]]],
            "opaque": ["x-kubernetes-preserve-unknown-fields": true], "namespace": ["type": "integer"], "a-b": ["type": "integer"],
            "a__b": ["type": "integer"], "a.b": ["type": "integer"], "a/b": ["type": "integer"],
            "level": ["type": "string", "enum": ["low", "high"]],
        ],
    ]

    static let object: Value = [
        "name": "web", "text": "hello", "count": 3, "ratio": 2, "on": true, "port": "http", "maybe": .null, "when": "2024-01-02T03:04:05Z",
        "day": "2024-01-02", "wait": "90s", "data": "aGk=", "tags": ["b", "a"],
        "ports": [["name": "x", "port": 1], ["name": "y", "port": 2]],
        "numbers": [3, 1, 2], "labels": ["app": "web"], "embedded": ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"]],
        "free": ["known": 1, "unknown": 2], "opaque": ["x": 1], "namespace": 7, "a-b": 1, "a__b": 2, "a.b": 3, "a/b": 4, "level": "low",
    ]

    static let type = SchemaType(schema)
    static let environment = Environment.kubernetes.with([
        Variable("self", type.declared!), Variable("authorizer", .opaque(.authorizer)),
    ])

    static func variables() throws -> Variables { ["self": try CELValue(object, type), "authorizer": .authorizer(Authority())] }
}

/// Lets everybody get things, and does not know about things named `broken`.
struct Authority: ExpressionAuthorizer {
    func authorize(_ query: AuthorizationQuery) -> AuthorizationAnswer {
        if case .resource(let resource) = query.target, resource.name == "broken" {
            return AuthorizationAnswer(isAllowed: false, reason: "unknown", error: "it broke")
        }
        return query.verb == "get"
            ? AuthorizationAnswer(isAllowed: true, reason: "all may") : AuthorizationAnswer(isAllowed: false, reason: "no")
    }
}
