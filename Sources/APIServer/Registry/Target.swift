import APIModel
import HTTPServer
import Store

/// What an operation of the registry is about.
struct Target: Sendable {
    var storage: Storage
    /// Empty for cluster-scoped resources and for all namespaces.
    var namespace: String
    /// Empty for a collection.
    var name: String
    var subresource = ""

    var key: RecordKey { storage.key(namespace: namespace, name: name) }
    var type: ResourceType { storage.type }
    /// `deployments.apps`
    var resource: String { storage.type.qualifiedName }

    func named(_ name: String) -> Target {
        var target = self
        target.name = name
        return target
    }

    var notFound: APIError { .notFound(resource, name) }
    func conflict(_ why: String) -> APIError { .conflict(resource, name, why) }
    func forbidden(_ why: String) -> APIError { .forbidden(resource, name, why) }
    func invalid(_ errors: [FieldError]) -> APIError { .invalid(group: type.group, kind: type.kind, name: name, errors: errors) }
    /// Throws where there is anything to complain about.
    func refuse(_ errors: [FieldError]) throws {
        guard errors.isEmpty else { throw invalid(errors) }
    }
}

/// What an operation of the registry answers.
struct Answer: Sendable {
    enum Content: Sendable {
        case record(Record)
        /// In the storage version: what would have been stored.
        case stored(Value)
        /// Already as the client shall see it: a Status, a Scale, a review.
        case value(Value)
        /// Records of the target's collection.
        case list(ListResult)
        /// Objects of the target's kind that are stored nowhere.
        case values([Value])
        case watch(WatchSource)
        /// What somebody else answered.
        case response(Response)
    }
    var code = 200
    var content: Content

    init(_ content: Content, code: Int = 200) {
        self.content = content
        self.code = code
    }

    /// `Status` with `status: Success`.
    static func success(_ target: Target, uid: Value = .null, code: Int = 200) -> Answer {
        let details: Value = [
            "name": .string(target.name), "group": target.type.group.isEmpty ? .null : .string(target.type.group),
            "kind": .string(target.type.name), "uid": uid,
        ]
        return Answer(
            .value(["kind": "Status", "apiVersion": "v1", "metadata": .emptyObject, "status": "Success", "details": details]), code: code)
    }
}
