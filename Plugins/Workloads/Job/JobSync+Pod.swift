internal import APIModel
internal import PluginKit

extension JobSync {
    /// The Pod to make, for an index of an Indexed Job.
    func pod(index: Whole?) -> Value {
        var pod = PodTemplate.pod(spec["template"], for: job)
        let finalizers = pod["metadata"]["finalizers"].elements
        if !finalizers.contains(.string(JobPod.finalizer)) {
            pod["metadata"]["finalizers"] = .array(finalizers + [.string(JobPod.finalizer)])
        }
        guard let index else { return pod }
        let name = job["metadata"]["name"].string ?? ""
        for list in ["initContainers", "containers"] {
            guard !pod["spec"][list].isNull else { continue }
            pod["spec"][list].elements = pod["spec"][list].elements.map(Self.withIndexVariable)
        }
        pod["metadata"]["labels"][JobPod.indexKey] = .string(String(index))
        pod["metadata"]["annotations"][JobPod.indexKey] = .string(String(index))
        pod["metadata"]["generateName"] = .string(Self.namePrefix(name, index))
        pod["spec"]["hostname"] = .string("\(name)-\(index)")
        if limitsEachIndex {
            let (failures, ignored) = failures(before: index)
            pod["metadata"]["annotations"][JobPod.failureCount] = .string(String(failures))
            if ignored > 0 { pod["metadata"]["annotations"][JobPod.ignoredFailureCount] = .string(String(ignored)) }
        }
        return pod
    }

    /// What the Pod that is replaced hands on, with its own failure.
    private func failures(before index: Whole) -> (counted: Whole, ignored: Whole) {
        guard let last = handingOver[index] else { return (0, 0) }
        let own: Whole = failurePolicy.counts(last) ? 1 : 0
        return (last.failures(JobPod.failureCount) + own, last.failures(JobPod.ignoredFailureCount) + 1 - own)
    }

    private static func withIndexVariable(_ container: Value) -> Value {
        let variable = "JOB_COMPLETION_INDEX"
        var container = container
        let variables = container["env"].elements
        guard !variables.contains(where: { $0["name"].string == variable }) else { return container }
        container["env"] = .array(
            variables + [
                ["name": .string(variable), "valueFrom": ["fieldRef": ["fieldPath": .string("metadata.labels['\(JobPod.indexKey)']")]]]
            ])
        return container
    }

    /// `web-3-`, cut in the middle so that five letters still fit behind it in a name of 63.
    private static func namePrefix(_ name: String, _ index: Whole) -> String {
        let end = "-\(index)-"
        return name.prefix(58 - end.count) + end
    }
}
