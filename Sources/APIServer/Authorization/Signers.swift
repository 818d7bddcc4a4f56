/// Who may do something in the name of a signer: the rights on the resource `signers`, of which there are no objects.
enum Signers {
    /// Whether the right is held for the signer or for all of its domain, `example.com/*`.
    static func mayUse(_ signer: String, verb: String, _ write: WriteContext) async -> Bool {
        let domain = signer.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).first ?? ""
        for name in [signer, "\(domain)/*"] {
            let attributes = Attributes(
                user: write.user, verb: verb, group: "certificates.k8s.io", resource: "signers", name: name)
            if await write.registry.authorizer.allows(attributes) { return true }
        }
        return false
    }
}
