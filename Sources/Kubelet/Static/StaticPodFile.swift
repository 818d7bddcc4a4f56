import APIModel

/// A pod that the kubelet reads from a file: what makes it a pod like others. Upstream: `config/common.go`.
enum StaticPodFile {
    struct Problem: Error, Equatable, CustomStringConvertible {
        let description: String
    }

    static let source = "kubernetes.io/config.source"
    static let hash = "kubernetes.io/config.hash"
    static let seen = "kubernetes.io/config.seen"
    static let mirror = "kubernetes.io/config.mirror"

    /// The pod that a file describes. Its uid says what is in it: another content is another pod.
    /// - Parameter time: when it was seen.
    static func pod(_ file: Value, path: String, nodeName: String, time: String) throws(Problem) -> Pod {
        guard file["apiVersion"].string == "v1", file["kind"].string == "Pod" else { throw Problem(description: "it is no Pod of v1") }
        var pod = file
        let own = file["metadata"].name
        guard !own.isEmpty else { throw Problem(description: "it has no name") }
        guard !file["spec"]["containers"].isEmpty else { throw Problem(description: "it has no containers") }
        // It cannot have what only the API has.
        for field in ["serviceAccountName", "ephemeralContainers", "resourceClaims"] where !file["spec"][field].isEmpty {
            throw Problem(description: "a static pod cannot have spec.\(field)")
        }
        for volume in file["spec"]["volumes"].elements {
            let kinds: [String] = ["configMap", "secret", "projected", "persistentVolumeClaim"]
            if let kind = kinds.first(where: { !volume[$0].isNull }) {
                throw Problem(description: "a static pod cannot have a volume of kind \(kind)")
            }
        }
        let uid = file["metadata"]["uid"].string ?? digest(JSON.encode(file) + Array("\(nodeName)\u{0}\(path)".utf8))
        pod["metadata"]["name"] = .string("\(own)-\(nodeName.lowercased())")
        pod["metadata"]["uid"] = .string(uid)
        if (file["metadata"]["namespace"].string ?? "").isEmpty { pod["metadata"]["namespace"] = "default" }
        pod["metadata"]["annotations"][source] = "file"
        pod["metadata"]["annotations"][hash] = .string(uid)
        pod["metadata"]["annotations"][seen] = .string(time)
        pod["metadata"]["generation"] = 1
        pod["spec"]["nodeName"] = .string(nodeName)
        pod["spec"]["tolerations"] = .array(file["spec"]["tolerations"].elements + [["operator": "Exists", "effect": "NoExecute"]])
        pod["status"] = ["phase": "Pending"]
        guard let schema = Catalogue.builtin.type(named: "io.k8s.api.core.v1.Pod") else { throw Problem(description: "there are no pods") }
        Defaulting.apply(&pod, schema: schema)
        return Pod(Object(pod))
    }

    /// 32 hexadecimal digits, as upstream's.
    private static func digest(_ bytes: [UInt8]) -> String {
        let halves: [UInt64] = [0xcbf2_9ce4_8422_2325, 0x8422_2325_cbf2_9ce4].map { seed in
            bytes.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        }
        return halves.map { half in
            let digits = String(half, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    /// What the API is shown of a static pod. Upstream: `pod/mirror_client.go`.
    /// - Parameter node: the Node as the API has it.
    static func mirror(of pod: Pod, node: Value) -> Value {
        var mirror = pod.value
        mirror["metadata"]["uid"] = .null
        mirror["metadata"]["generation"] = .null
        mirror["metadata"]["annotations"][Self.mirror] = .string(pod.uid)
        mirror["metadata"]["ownerReferences"] = [
            ["apiVersion": "v1", "kind": "Node", "name": node["metadata"]["name"], "uid": node["metadata"]["uid"], "controller": true]
        ]
        mirror["status"] = .null
        return mirror
    }
}
