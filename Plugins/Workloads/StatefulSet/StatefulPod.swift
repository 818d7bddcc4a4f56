internal import APIModel
internal import OrderedCollections
internal import PluginKit

/// The name and storage that make one of a StatefulSet's Pods itself.
struct StatefulPod {
    static let nameLabel = "statefulset.kubernetes.io/pod-name"
    static let indexLabel = "apps.kubernetes.io/pod-index"

    let statefulSet: Value
    let ordinal: Whole

    var setName: String { statefulSet["metadata"]["name"].string ?? "" }
    var name: String { "\(setName)-\(ordinal)" }

    /// The number behind the last hyphen of a Pod's name, where what is before it is the set's name.
    static func ordinal(of pod: Value, in statefulSet: Value) -> Whole? {
        let name = pod["metadata"]["name"].string ?? ""
        guard let hyphen = name.lastIndex(of: "-"), name[..<hyphen] == statefulSet["metadata"]["name"].string ?? "" else { return nil }
        let digits = name[name.index(after: hyphen)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Whole(digits).flatMap { $0 <= Whole(Int32.max) ? $0 : nil }
    }

    /// The Pod, made of the template of a revision.
    func made(of revision: Value) -> Value {
        var pod = PodTemplate.pod(RevisionHistory.template(of: revision), for: statefulSet)
        pod["metadata"]["generateName"] = .null
        pod["metadata"]["name"] = .string(name)
        pod["metadata"]["labels"][RevisionHistory.label] = revision["metadata"]["name"]
        for (label, value) in identity { pod["metadata"]["labels"][label] = .string(value) }
        pod["spec"]["hostname"] = .string(name)
        let subdomain = statefulSet["spec"]["serviceName"]
        pod["spec"]["subdomain"] = subdomain.isEmpty ? .null : subdomain
        let volumes: [Value] = claims.map { claim in
            ["name": .string(claim.volume), "persistentVolumeClaim": ["claimName": claim.object["metadata"]["name"]]]
        }
        let names = Set(claims.map(\.volume))
        let others = pod["spec"]["volumes"].elements.filter { !names.contains($0["name"].string ?? "") }
        if !volumes.isEmpty { pod["spec"]["volumes"] = .array(volumes + others) }
        return pod
    }

    var identity: [(label: String, value: String)] { [(Self.nameLabel, name), (Self.indexLabel, String(ordinal))] }

    func hasIdentity(_ pod: Value) -> Bool { pod["metadata"]["labels"][Self.nameLabel].string == name }

    /// The claims it mounts, by the volume's name.
    var claims: [(volume: String, object: Value)] {
        statefulSet["spec"]["volumeClaimTemplates"].elements.map { template in
            let volume = template["metadata"]["name"].string ?? ""
            var claim = template
            claim["apiVersion"] = "v1"
            claim["kind"] = "PersistentVolumeClaim"
            claim["status"] = .null
            claim["metadata"]["name"] = .string("\(volume)-\(name)")
            claim["metadata"]["namespace"] = statefulSet["metadata"]["namespace"]
            for (label, value) in statefulSet["spec"]["selector"]["matchLabels"].fields { claim["metadata"]["labels"][label] = value }
            return (volume, claim)
        }
    }
}
