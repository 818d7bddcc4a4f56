import APIModel
import OrderedCollections
import Store

/// By what the PodDisruptionBudgets that may concern a pod are found: one label that all their pods must have, or none.
enum BudgetTerms {
    static let collection = "policy/poddisruptionbudgets"

    static func terms(of budget: Value) -> [Term] {
        let label = budget[path: "spec", "selector", "matchLabels"].fields.elements.first
        return [term(label.map { ($0.key, $0.value.string ?? "") })]
    }

    /// The budgets of a pod have one of these.
    static func terms(concerning labels: some Sequence<(key: String, value: String)>) -> [Term] {
        labels.map { term(($0.key, $0.value)) } + [term(nil)]
    }

    private static func term(_ label: (key: String, value: String)?) -> Term {
        Term(.field, "spec.selector", label.map { "\($0.key)=\($0.value)" } ?? "")
    }
}
