internal import Kubelet
internal import PKI

extension ClientCertificateVerifier {
    /// Whom a chain belongs to, `nil` when the cluster's CA does not vouch for it now: what the kubelet's server asks.
    func identity(_ chain: [[UInt8]]) async -> KubeletUser? {
        guard let identity = try? await verify(chain) else { return nil }
        return KubeletUser(name: identity.user, groups: identity.groups)
    }
}
