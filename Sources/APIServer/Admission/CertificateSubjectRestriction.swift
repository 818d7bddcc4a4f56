import APIModel
import PKI

/// Nobody becomes `system:masters` by a certificate that they ask for.
struct CertificateSubjectRestriction: ValidatingMember {
    let name = "CertificateSubjectRestriction"

    private static let signer = "kubernetes.io/kube-apiserver-client"

    func concerns(collection: String) -> Bool { collection == "certificates.k8s.io/certificatesigningrequests" }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .create, request.isOfObject, object[path: "spec", "signerName"].string == Self.signer else { return nil }
        let asked: SigningRequest
        do {
            asked = try SigningRequest(of: object)
        } catch {
            throw request.target.forbidden("failed to parse CSR: \(error)")
        }
        guard !asked.groups.contains(MastersAuthorizer.group) else {
            throw request.target.forbidden("use of \(Self.signer) signer with system:masters group is not allowed")
        }
        return nil
    }
}

extension SigningRequest {
    /// The request inside a CertificateSigningRequest.
    init(of object: Value) throws {
        try self.init(pem: String(decoding: Base64.decode(object[path: "spec", "request"].string ?? "") ?? [], as: UTF8.self))
    }
}
