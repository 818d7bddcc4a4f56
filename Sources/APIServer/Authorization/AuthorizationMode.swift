/// Who decides what a user may do, by upstream's names.
public enum AuthorizationMode: String, CaseIterable, Sendable {
    /// Nodes, by what is bound to them.
    case node = "Node"
    case rbac = "RBAC"

    public static let standard: [AuthorizationMode] = [.node, .rbac]
}
