import APIModel

/// Lets every pod stay for a while on a node that is lost, unless it says otherwise.
struct DefaultTolerationSeconds: MutatingMember {
    let name = "DefaultTolerationSeconds"
    /// How long, in seconds.
    var notReady: Int64 = 300
    var unreachable: Int64 = 300

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create || request.operation == .update, request.isOfObject else { return }
        var tolerations = pod[path: "spec", "tolerations"].elements
        for (key, seconds) in [("node.kubernetes.io/not-ready", notReady), ("node.kubernetes.io/unreachable", unreachable)]
        where !tolerations.contains(where: { Self.isTolerated(key, by: $0) }) {
            tolerations.append(["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": .int(seconds)])
        }
        pod["spec"]["tolerations"] = .array(tolerations)
    }

    private static func isTolerated(_ key: String, by toleration: Value) -> Bool {
        let named = toleration["key"].string ?? ""
        guard named == key || (named.isEmpty && toleration["operator"].string == "Exists") else { return false }
        let effect = toleration["effect"].string ?? ""
        return effect.isEmpty || effect == "NoExecute"
    }
}
