import APIModel

/// Where upstream keeps its own form of kinds, as it shows in what it refuses.
enum GoPackage {
    private static let exceptions = ["": "core", "events.k8s.io": "core", "internal.apiserver.k8s.io": "apiserverinternal"]

    /// Most packages are named after the first part of their group.
    static func name(of group: String) -> String { exceptions[group] ?? group.split(separator: ".").first.map(String.init) ?? "" }
}

extension ResourceType {
    var goType: String { custom == nil ? "\(GoPackage.name(of: group)).\(kind)" : "unstructured.Unstructured" }
}
