public import APIModel
public import PluginKit

/// Clears away CertificateSigningRequests that are answered, or that nobody answers.
public struct CertificateSigningRequestCleanerController: Controller {
    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let request = try objects.get(RequestedCertificate.resource, name: key.name), let end = RequestState.end(of: request) else {
            return .done
        }
        let left = end - Timestamp.nowSeconds()
        guard left < 0 else { return .doneCheckAgain(afterMilliseconds: (left + 1) * 1000) }
        try objects.remove(RequestedCertificate.resource, request)
        return .done
    }
}
