import APIModel
import Store
import Synchronization

/// Finds the flow of a request among the FlowSchemas in the store.
///
/// They are compiled when first asked for and again when the store says that one of the two collections has changed, whoever wrote.
final class FlowSchemas: Sendable {
    private static let schemas = "flowcontrol.apiserver.k8s.io/flowschemas"
    private static let levels = "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations"

    private struct Schema: Sendable {
        var flow: Flow
        var rules: [FlowRule]
    }

    let counts = FlowCounts()
    private let store: Store
    /// In the order in which they are asked, and the change up to which they were compiled.
    private let state = Mutex<(schemas: [Schema], change: UInt64)?>(nil)

    init(store: Store) { self.store = store }

    /// The flow of the first schema that matches; `nil` only where the one that matches everything was taken away.
    func flow(of user: UserInfo, _ info: RequestInfo) -> Flow? {
        current().first { schema in schema.rules.contains { $0.matches(user, info) } }?.flow
    }

    /// The change is looked at before the objects are, so that one that comes in between makes the result stale again.
    private func current() -> [Schema] {
        let change = store.newestChange(in: [Self.schemas, Self.levels])
        return state.withLock { state in
            if let state, state.change >= change { return state.schemas }
            let schemas = compile()
            state = (schemas, change)
            return schemas
        }
    }

    private func objects(_ collection: String) -> [Object] {
        ((try? store.list(collection, namespace: nil))?.records ?? []).map(\.object)
    }

    /// A schema whose level does not exist leads nowhere and is passed over.
    private func compile() -> [Schema] {
        let levels = Dictionary(objects(Self.levels).map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        let ordered = objects(Self.schemas).sorted { a, b in
            (Self.precedence(a), a.name) < (Self.precedence(b), b.name)
        }
        return ordered.compactMap { object in
            let spec = object.value["spec"]
            guard let level = levels[spec[path: "priorityLevelConfiguration", "name"].string ?? ""] else { return nil }
            let isExempt = level.value[path: "spec", "type"].string == "Exempt"
            return Schema(
                flow: Flow(
                    schema: object.uid, level: level.uid, isExempt: isExempt, counts: counts.flow(schema: object.name, level: level.name)),
                rules: spec["rules"].elements.map(FlowRule.init))
        }
    }

    private static func precedence(_ schema: Object) -> Whole { schema.value[path: "spec", "matchingPrecedence"].int ?? 1000 }
}
