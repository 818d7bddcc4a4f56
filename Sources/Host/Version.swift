/// The versions the project speaks of itself.
enum Version {
    /// What `kubectl version` and the Node show.
    static let kubernetes = "v1.36.2+apus"
    static let apus = "0.1.0"
    static let line = "apus \(apus), Kubernetes \(kubernetes)"
}
