internal import PluginAPI

/// Things that speak of the Pods of some Namespaces, found by Namespace.
struct TermIndex<Element> {
    private var byNamespace: [apus_string: [Element]] = [:]
    /// Those that select Namespaces by their labels.
    private var anywhere: [Element] = []

    mutating func add(_ element: Element, namespaces: [apus_string], selectsNamespaces: Bool) {
        if selectsNamespaces {
            anywhere.append(element)
        } else {
            for namespace in namespaces { byNamespace[namespace, default: []].append(element) }
        }
    }

    /// All that may speak of Pods in the Namespace.
    func candidates(_ namespace: apus_string) -> [Element] { anywhere + (byNamespace[namespace] ?? []) }

    /// Whether the labels of Namespaces matter to any of them.
    var looksAtNamespaces: Bool { !anywhere.isEmpty }
}
