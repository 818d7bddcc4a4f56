import APIModel

/// A pod that a node runs from a file of its own, and shows in the API.
enum MirrorPod {
    /// What marks one.
    static let annotation = "kubernetes.io/config.mirror"

    static func isOne(_ pod: Value) -> Bool { !pod[path: "metadata", "annotations"][annotation].isNull }
}
