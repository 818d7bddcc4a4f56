/// What controllers of storage and the scheduler write on claims and volumes for one another.
public enum StorageAnnotation {
    /// On a claim: it was bound once, completely.
    public static let bindCompleted = "pv.kubernetes.io/bind-completed"
    /// On a claim or a volume: the other was chosen by a controller, not by a user.
    public static let boundByController = "pv.kubernetes.io/bound-by-controller"
    /// On a volume: who made it, and will remove it.
    public static let provisionedBy = "pv.kubernetes.io/provisioned-by"
    /// On a claim: the Node that the Pod goes to which is the first to use it.
    public static let selectedNode = "volume.kubernetes.io/selected-node"
    /// On a claim: who is to make a volume for it.
    public static let provisioner = "volume.kubernetes.io/storage-provisioner"
    public static let provisionerBeta = "volume.beta.kubernetes.io/storage-provisioner"
}
