/// The claims that a Pod uses.
public enum PodClaims {
    /// By name, those of ephemeral volumes included.
    public static func names(_ pod: Value) -> [String] {
        let podName = pod["metadata"]["name"].string ?? ""
        return pod["spec"]["volumes"].elements.compactMap { name(in: $0, pod: podName) }
    }

    /// The claim of a Pod's volume, `nil` where it has none.
    public static func name(in volume: Value, pod: String) -> String? {
        volume["ephemeral"].isNull ? volume["persistentVolumeClaim"]["claimName"].string : name(of: volume, pod: pod)
    }

    /// The claim that is made for an ephemeral volume of the Pod.
    public static func name(of volume: Value, pod: String) -> String { "\(pod)-\(volume["name"].string ?? "")" }

    public static func name(of volume: Value, _ pod: Value) -> String { name(of: volume, pod: pod["metadata"]["name"].string ?? "") }
}
