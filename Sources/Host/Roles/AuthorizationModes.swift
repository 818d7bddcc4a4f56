internal import ArgumentParser

/// `--authorization-mode`: what this API server does anyway, and a refusal by name of all else.
enum AuthorizationModes {
    /// Nodes are authorized through the role `system:node`, so `Node` adds nothing.
    private static let supported: Set = ["Node", "RBAC"]
    private static let upstream: Set = ["ABAC", "AlwaysAllow", "AlwaysDeny", "Webhook"]

    static func check(_ text: String) throws {
        let modes = text.split(separator: ",").map { String($0) }
        for mode in modes where !supported.contains(mode) {
            throw ValidationError(
                upstream.contains(mode)
                    ? "--authorization-mode: \(mode) is not supported; RBAC and Node,RBAC are"
                    : "--authorization-mode: \"\(mode)\" is not a valid mode; RBAC and Node,RBAC are supported")
        }
        guard modes.contains("RBAC") else { throw ValidationError("--authorization-mode: RBAC must be among the modes") }
    }
}
