internal import APIModel

/// Which pods a policy is for, or lets in or out: those whose labels match, of one namespace or of those whose own labels match.
struct PodSelection: Hashable {
    enum Namespaces: Hashable {
        case one(String)
        case matching(LabelSelector)
    }

    var namespaces: Namespaces
    var pods: LabelSelector

    /// - Parameters:
    ///   - selectors: has `podSelector`, and perhaps `namespaceSelector`.
    ///   - namespace: of the policy.
    init(_ selectors: Value, of namespace: String) throws {
        let (pods, namespaces) = (selectors["podSelector"], selectors["namespaceSelector"])
        self.namespaces = namespaces.isNull ? .one(namespace) : .matching(try LabelSelector(namespaces))
        self.pods = pods.isNull ? .everything : try LabelSelector(pods)
    }
}
