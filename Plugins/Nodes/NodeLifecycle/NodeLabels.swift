internal import APIModel
internal import OrderedCollections

/// The names that two labels of Nodes had before, which say what the newer ones say.
enum NodeLabels {
    private static let older = [
        "kubernetes.io/os": "beta.kubernetes.io/os", "kubernetes.io/arch": "beta.kubernetes.io/arch",
    ]

    /// Those that must be put right; `.null` where none must.
    static func missing(_ labels: Value) -> Value {
        var missing = Value.null
        for (label, old) in older where !labels[label].isNull && labels[old] != labels[label] { missing[old] = labels[label] }
        return missing
    }
}
