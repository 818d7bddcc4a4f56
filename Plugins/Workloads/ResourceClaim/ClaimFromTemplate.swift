internal import APIModel

/// Claims that are made for Pods of templates.
enum ClaimFromTemplate {
    /// On such a claim: which of the Pod's entries it is for.
    static let annotation = "resource.kubernetes.io/pod-claim-name"

    /// The claim of a template for an entry of the Pod, with a name that the API finishes.
    static func make(_ template: Value, _ entry: String, for pod: Value) -> Value {
        let metadata = pod["metadata"]
        var annotations = template["spec"]["metadata"]["annotations"]
        annotations[annotation] = .string(entry)
        return [
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
            "metadata": [
                "generateName": .string(namePrefix(metadata["name"].string ?? "", entry)), "annotations": annotations,
                "labels": template["spec"]["metadata"]["labels"],
                "ownerReferences": [
                    ["apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"], "controller": true]
                ],
            ],
            "spec": template["spec"]["spec"],
        ]
    }

    /// Both names, each cut as much as the other where they are too long together: the API would cut the second alone.
    static func namePrefix(_ pod: String, _ entry: String) -> String {
        let (longest, length) = (57, pod.utf8.count + entry.utf8.count + 2)
        guard length > longest else { return "\(pod)-\(entry)-" }
        return "\(pod.prefix(pod.utf8.count * longest / length))-\(entry.prefix(entry.utf8.count * longest / length))"
    }
}
