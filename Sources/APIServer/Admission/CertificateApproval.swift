import APIModel

/// Certificate requests are approved and denied by those who may `approve` for the signer.
struct CertificateApproval: ValidatingMember {
    let name = "CertificateApproval"

    func concerns(collection: String) -> Bool { collection == "certificates.k8s.io/certificatesigningrequests" }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .update, request.target.subresource == "approval", let old = request.old else { return nil }
        let signer = old[path: "spec", "signerName"].string ?? ""
        guard await Signers.mayUse(signer, verb: "approve", request.context) else {
            throw request.target.forbidden("user not permitted to approve requests with signerName \(FieldError.quoted(signer))")
        }
        return nil
    }
}
