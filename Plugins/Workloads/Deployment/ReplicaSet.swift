internal import APIModel

/// A ReplicaSet as the rollout sees it.
struct ReplicaSet {
    var object: Value

    init(_ object: Value) { self.object = object }

    var name: String { object["metadata"]["name"].string ?? "" }
    var uid: String { object["metadata"]["uid"].string ?? "" }
    var replicas: Whole {
        get { object["spec"]["replicas"].int ?? 1 }
        set { object["spec"]["replicas"] = .int(newValue) }
    }
    var created: String { object["metadata"]["creationTimestamp"].string ?? "" }
    var annotations: [String: String] { object["metadata"]["annotations"].strings }
    var revision: Whole { annotations[Annotation.revision].flatMap { Whole($0) } ?? 0 }
    func status(_ field: String) -> Whole { object["status"][field].int ?? 0 }

    /// Whether it has no Pods and is to have none, as far as its own controller has come.
    var isIdle: Bool {
        status("replicas") == 0 && replicas == 0 && status("observedGeneration") >= object["metadata"]["generation"].int ?? 0
    }

    /// The template without the hash label that the controller adds.
    var template: Value { Self.withoutHash(object["spec"]["template"]) }

    static func withoutHash(_ template: Value) -> Value {
        var template = template
        template["metadata"]["labels"][Label.templateHash] = .null
        if template["metadata"]["labels"].isEmpty { template["metadata"]["labels"] = .null }
        return template
    }
}

enum Label {
    static let templateHash = "pod-template-hash"
}

enum Annotation {
    static let revision = "deployment.kubernetes.io/revision"
    static let revisionHistory = "deployment.kubernetes.io/revision-history"
    static let desiredReplicas = "deployment.kubernetes.io/desired-replicas"
    static let maxReplicas = "deployment.kubernetes.io/max-replicas"
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
    static let rollback = "deprecated.deployment.rollback.to"
    /// Annotations of the Deployment that do not go down to its ReplicaSets.
    static let own: Set<String> = [revision, revisionHistory, desiredReplicas, maxReplicas, lastApplied, rollback]
}
