internal import APIModel
internal import Synchronization

/// Pods that several budgets are about: their eviction is refused, and who has such budgets should know it.
final class SharedPods: Sendable {
    /// The Pods of each budget that were told of, by the uids of both.
    private let told = Mutex<[String: Set<String>]>([:])

    /// Those of `pods` that another budget is about, too, each with the first of their budgets by name.
    /// - Parameters:
    ///   - pods: those that `budget` selects.
    ///   - budgets: all of the namespace.
    static func find(_ budget: Value, _ pods: [Value], among budgets: [Value]) -> [(pod: Value, chosen: String)] {
        let (uid, name) = (budget["metadata"]["uid"], budget["metadata"]["name"].string ?? "")
        let others = budgets.filter { $0["metadata"]["uid"] != uid }.compactMap { other -> (selector: LabelSelector, name: String)? in
            guard let selector = try? LabelSelector(other["spec"]["selector"]) else { return nil }
            return (selector, other["metadata"]["name"].string ?? "")
        }
        guard !others.isEmpty else { return [] }
        return pods.compactMap { pod in
            others.filter { $0.selector.matches(labelsOf: pod) }.map(\.name).min().map { (pod, min($0, name)) }
        }
    }

    /// What is new since the last look at the budget.
    func news(_ found: [(pod: Value, chosen: String)], of budget: Value) -> [(pod: Value, chosen: String)] {
        let uid = budget["metadata"]["uid"].string ?? ""
        let now = Set(found.compactMap { $0.pod["metadata"]["uid"].string })
        let before = told.withLock { told in
            defer { told[uid] = now.isEmpty ? nil : now }
            return told[uid] ?? []
        }
        return found.filter { !before.contains($0.pod["metadata"]["uid"].string ?? "") }
    }

    func forget(_ uid: String) { told.withLock { $0[uid] = nil } }
}
