/// What the kubelet writes on sandboxes and containers so that it finds them again after a restart. Upstream: kubelet `types/labels.go`,
/// `kuberuntime/labels.go`.
enum Label {
    static let podName = "io.kubernetes.pod.name"
    static let podNamespace = "io.kubernetes.pod.namespace"
    static let podUID = "io.kubernetes.pod.uid"
    static let containerName = "io.kubernetes.container.name"
}

enum Annotation {
    static let configSource = "kubernetes.io/config.source"
    static let configSeen = "kubernetes.io/config.seen"
    static let hash = "io.kubernetes.container.hash"
    static let restartCount = "io.kubernetes.container.restartCount"
    static let terminationMessagePath = "io.kubernetes.container.terminationMessagePath"
    static let terminationMessagePolicy = "io.kubernetes.container.terminationMessagePolicy"
    static let preStopHandler = "io.kubernetes.container.preStopHandler"
    /// What the container was given when it was made, as JSON.
    static let resources = "apus.dev/resources"
    static let ports = "io.kubernetes.container.ports"
    static let podTerminationGracePeriod = "io.kubernetes.pod.terminationGracePeriod"
    static let podDeletionGracePeriod = "io.kubernetes.pod.deletionGracePeriod"
}
