/// Labels that every Node has, or that say where it is (upstream: `k8s.io/api/core/v1/well_known_labels.go`).
public enum NodeLabel {
    public static let hostname = "kubernetes.io/hostname"
    public static let zone = "topology.kubernetes.io/zone"
    public static let region = "topology.kubernetes.io/region"
    /// What zone and region were called before 1.17. Nodes and PersistentVolumes may have both.
    public static let olderZone = "failure-domain.beta.kubernetes.io/zone"
    public static let olderRegion = "failure-domain.beta.kubernetes.io/region"
    public static let system = "kubernetes.io/os"
    public static let architecture = "kubernetes.io/arch"
    public static let olderSystem = "beta.kubernetes.io/os"
    public static let olderArchitecture = "beta.kubernetes.io/arch"
}
