import APIModel

/// Lets every pod stay five minutes on a node that is lost, unless it says otherwise.
struct DefaultTolerationSeconds: MutatingMember {
    let name = "DefaultTolerationSeconds"

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create || request.operation == .update, request.isOfObject else { return }
        var tolerations = pod[path: "spec", "tolerations"].elements
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
        where !tolerations.contains(where: { Self.isTolerated(key, by: $0) }) {
            tolerations.append(["key": .string(key), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300])
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
