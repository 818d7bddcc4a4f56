internal import APIModel
internal import FoundationEssentials
internal import PluginKit
internal import SwiftASN1
internal import X509

/// Where a CertificateSigningRequest stands, and when it is cleared away. No API. Rules: upstream `pkg/controller/certificates/cleaner`.
enum RequestState {
    static func condition(_ request: Value, _ type: String) -> Value? {
        let found = PodState.condition(request, type)
        return found.isNull ? nil : found
    }

    static func isApproved(_ request: Value) -> Bool { condition(request, "Approved") != nil && condition(request, "Denied") == nil }
    static func isDecided(_ request: Value) -> Bool { condition(request, "Approved") != nil || condition(request, "Denied") != nil }
    static func isFailed(_ request: Value) -> Bool { condition(request, "Failed")?["status"].string == "True" }
    static func isIssued(_ request: Value) -> Bool { !request["status"]["certificate"].isEmpty }

    private static let hour: Whole = 3600
    private static let day: Whole = 24 * 3600

    /// When it goes if nothing happens, in seconds since 1970; `nil` where that cannot be said.
    static func end(of request: Value) -> Whole? {
        if request["status"]["conditions"].isEmpty { return request["metadata"]["creationTimestamp"].time.map { $0 + day } }
        func after(_ type: String, _ seconds: Whole) -> Whole? { condition(request, type)?["lastUpdateTime"].time.map { $0 + seconds } }
        let approved = after("Approved", isIssued(request) ? hour : day)
        let expiry = condition(request, "Approved") == nil ? nil : expiry(of: request)
        return [approved, after("Denied", hour), after("Failed", hour), expiry].compactMap { $0 }.min()
    }

    /// When its certificate is good no more.
    private static func expiry(of request: Value) -> Whole? {
        guard let bytes = Base64.decode(request["status"]["certificate"].string ?? ""), !bytes.isEmpty,
            let certificate = try? Certificate(pemEncoded: String(decoding: bytes, as: UTF8.self))
        else { return nil }
        return Whole(certificate.notValidAfter.timeIntervalSince1970)
    }
}
