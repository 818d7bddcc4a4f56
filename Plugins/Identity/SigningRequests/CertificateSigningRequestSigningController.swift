public import APIModel
public import PluginKit

/// Signs what was approved, for the signers that a cluster has by itself. Rules: upstream `pkg/controller/certificates/signer`.
///
/// Configuration: `certificate` and `key` of the CA, in PEM, and `durationSeconds`, how long a certificate is good at most, a year where
/// it is not given. Without a CA nothing is signed.
public struct CertificateSigningRequestSigningController: Controller {
    public static let settings: Set = ["certificate", "key", "durationSeconds"]

    private let objects: Objects
    private let signer: Signer?

    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        guard let certificate = config["certificate"].string, let key = config["key"].string else {
            signer = nil
            host.log.info("no CA is configured: nothing is signed")
            return
        }
        signer = try Signer(certificate: certificate, key: key, duration: config["durationSeconds"].seconds ?? 365 * 86_400)
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let signer, let request = try objects.get(RequestedCertificate.resource, name: key.name), !RequestState.isIssued(request),
            RequestState.isApproved(request), !RequestState.isFailed(request),
            let name = request["spec"]["signerName"].string, SignerRules.isOurs(name)
        else { return .done }
        let wanted = try RequestedCertificate(request)
        var changed = request
        if let problem = SignerRules.problem(name, wanted) {
            Conditions.set(
                &changed["status"], type: "Failed", true, reason: "SignerValidationFailure", message: problem, hasUpdateTime: true)
        } else {
            let certificate = try signer.sign(wanted, wanted: request["spec"]["expirationSeconds"].int, now: Timestamp.nowSeconds())
            changed["status"]["certificate"] = .string(Base64.encode(Array(certificate.utf8)))
        }
        try objects.updateStatus(RequestedCertificate.resource, changed)
        return .done
    }
}
