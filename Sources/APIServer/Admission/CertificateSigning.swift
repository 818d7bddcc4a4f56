import APIModel

/// Certificates are put in, and requests failed, by those who may `sign` for the signer.
struct CertificateSigning: ValidatingMember {
    let name = "CertificateSigning"

    func concerns(collection: String) -> Bool { collection == "certificates.k8s.io/certificatesigningrequests" }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .update, request.target.subresource == "status", let old = request.old else { return nil }
        let before = old["status"]
        let after = object["status"]
        guard before["certificate"] != after["certificate"] || before["conditions"].elements != after["conditions"].elements else {
            return nil
        }
        let signer = old[path: "spec", "signerName"].string ?? ""
        guard await Signers.mayUse(signer, verb: "sign", request.context) else {
            throw request.target.forbidden("user not permitted to sign requests with signerName \(FieldError.quoted(signer))")
        }
        return nil
    }
}
