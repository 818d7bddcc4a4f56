internal import APIModel

/// What Pods that are made alike have in common, read once and shared by all of them: all that is said of a Pod where its Node is chosen, but for
/// its name and its volumes. Used by the scheduling thread only.
final class PodTemplate {
    /// Two Pods are alike when this is equal.
    struct Key: Hashable {
        let namespace: String
        let labels: Value
        /// What the rest of it is read from.
        let spec: [Value]

        private static let fields = [
            "priority", "preemptionPolicy", "schedulerName", "nodeSelector", "affinity", "tolerations", "topologySpreadConstraints",
            "overhead",
            "resources", "resourceClaims", "schedulingGroup", "hostNetwork", "hostUsers",
        ]

        init(_ pod: Value) {
            let (metadata, spec) = (pod["metadata"], pod["spec"])
            namespace = metadata["namespace"].string ?? ""
            labels = metadata["labels"]
            var read = Self.fields.map { spec[$0] }
            for kind in ["containers", "initContainers"] {
                let containers = spec[kind].elements
                read.append(Value(containers.count))
                for container in containers {
                    read += [
                        container["image"], container["resources"]["requests"], container["ports"], container["restartPolicy"],
                        container["restartPolicyRules"],
                    ]
                }
            }
            read += spec["volumes"].elements.map { $0["image"]["reference"] }.filter { !$0.isNull }
            self.spec = read
        }
    }

    let key: Key
    let priority: Int32
    let requests: PodRequests
    /// As the columns have it.
    let amounts: [(resource: String, amount: Int64)]
    let hostPorts: [HostPort]
    /// Whether Pods of lower priority may be taken away for it.
    let mayPreempt: Bool
    /// What others see of the Pods.
    let classKey: PodClasses.Key
    /// The row of the class when it was last held, and which class that was.
    var classPlace: (row: Int, serial: UInt64)?
    /// Whom its Pods are spread from, as it was found out last.
    var spreadFrom: DefaultSpread.Found?

    init(_ key: Key, _ pod: Object) {
        let spec = pod.value["spec"]
        self.key = key
        priority = Int32(spec["priority"].int ?? 0)
        let requests = PodRequests(spec: spec)
        self.requests = requests
        let fixed = ResourceAmounts.fixedNames.indices.dropLast().map {
            (resource: ResourceAmounts.fixedNames[$0], amount: requests.amounts.fixed[$0])
        }
        amounts = (fixed + requests.amounts.others.map { (resource: $0.name, amount: $0.amount) }).filter { $0.amount != 0 }
        hostPorts = HostPort.all(in: spec)
        mayPreempt = spec["preemptionPolicy"].string != "Never"
        classKey = PodClasses.Key(pod)
    }

    /// Of one Pod alone.
    convenience init(_ pod: Object) { self.init(Key(pod.value), pod) }
}

/// The templates of all Pods that are there, and of some that were.
final class PodTemplates {
    private var templates: [PodTemplate.Key: PodTemplate] = [:]
    /// With so many it is time to forget those that no Pod has any more.
    private var most = 1024

    func template(of pod: Object) -> PodTemplate {
        let key = PodTemplate.Key(pod.value)
        if let known = templates[key] { return known }
        if templates.count >= most { forget() }
        let template = PodTemplate(key, pod)
        templates[key] = template
        return template
    }

    private func forget() {
        for key in Array(templates.keys) {
            guard var template = templates.removeValue(forKey: key), !isKnownUniquelyReferenced(&template) else { continue }
            templates[key] = template
        }
        most = max(1024, 2 * templates.count)
    }
}
