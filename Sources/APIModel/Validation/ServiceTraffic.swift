/// Where the traffic of a Service comes from.
public enum ServiceTraffic {
    /// Whether any comes from outside of the cluster, so that there is a policy for it.
    /// - Parameter spec: core v1 ServiceSpec
    public static func comesFromOutside(_ spec: Value) -> Bool {
        switch spec["type"].string {
        case "NodePort", "LoadBalancer": true
        case "ClusterIP": !spec["externalIPs"].isEmpty
        default: false
        }
    }
}
