import APIModel

/// A bundle of trust anchors speaks for a signer only when its writer may `attest` for it.
struct ClusterTrustBundleAttest: ValidatingMember {
    let name = "ClusterTrustBundleAttest"

    func concerns(collection: String) -> Bool { collection == "certificates.k8s.io/clustertrustbundles" }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .create || request.operation == .update else { return nil }
        if let old = request.old, Escalation.isForGarbageCollection(object, old: old) { return nil }
        guard let signer = object[path: "spec", "signerName"].string, !signer.isEmpty else { return nil }
        guard await Signers.mayUse(signer, verb: "attest", request.context) else {
            throw request.target.forbidden("user not permitted to attest for signerName \(FieldError.quoted(signer))")
        }
        return nil
    }
}
