import APIModel
import Store

/// Says on each FlowSchema whether the priority level that it names is there.
struct FlowSchemaStatus: Sendable {
    private static let group = "flowcontrol.apiserver.k8s.io"
    private static let schemas = GroupVersionResource(group: group, version: "v1", resource: "flowschemas")
    static let collections = ["\(group)/flowschemas", "\(group)/prioritylevelconfigurations"]
    private static let condition = "Dangling"

    let registry: Registry

    /// Brings every schema up to date whose status says something else.
    /// - Throws: what the writes do.
    func keep() async throws {
        guard let storage = registry.served.storage(Self.schemas) else { return }
        let levels = Set(registry.all(Self.collections[1]).map(\.name))
        for schema in registry.all(Self.collections[0]) where Self.told(schema.value, levels) != schema.value {
            let target = Target(storage: storage, namespace: "", name: schema.name, subresource: "status")
            do {
                _ = try await registry.modify(target, WriteContext(registry, user: .apiserver)) { now in
                    Self.told(now, Set(registry.all(Self.collections[1]).map(\.name)))
                }
            } catch let error as APIError where error.reason == .notFound {
                continue
            }
        }
    }

    private static func told(_ schema: Value, _ levels: Set<String>) -> Value {
        let level = schema[path: "spec", "priorityLevelConfiguration", "name"].string ?? ""
        let isDangling = !levels.contains(level)
        var told = schema
        Conditions.set(
            &told["status"], type: condition, .init(isDangling), reason: isDangling ? "NotFound" : "Found",
            message: "This FlowSchema references the PriorityLevelConfiguration object named \(FieldError.quoted(level)) "
                + (isDangling ? "but there is no such object" : "and it exists"))
        return told
    }
}
