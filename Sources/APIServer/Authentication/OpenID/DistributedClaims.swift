import APIModel
import OrderedCollections
import PKI
import Synchronization

/// Fetches a claim that a token leaves to somebody else to tell: `_claim_names` says to whom, `_claim_sources` where. The answer is a token,
/// whose issuer must publish its keys as any does.
final class DistributedClaims: Sendable {
    /// The one that is fetched.
    private let claim: String
    private let checks: TokenChecks
    private let documents: RemoteDocument
    private let issuers = Mutex<[String: IssuerKeys]>([:])

    private static let mostIssuers = 64

    init(_ claim: String, _ checks: TokenChecks, _ documents: RemoteDocument) {
        self.claim = claim
        self.checks = checks
        self.documents = documents
    }

    /// - Throws: `TokenProblem` when the claim is somewhere else and does not come.
    func complete(_ claims: Value) async throws -> Value {
        guard claims.fields[claim] == nil, let source = claims["_claim_names"][claim].string else { return claims }
        guard case .object = claims["_claim_sources"] else { throw TokenProblem("no claim sources") }
        guard let place = claims["_claim_sources"].fields[source] else {
            throw TokenProblem("id token _claim_names contained a source \(source) missing in _claims_sources")
        }
        // One that is included and not fetched is not read.
        guard let url = place["endpoint"].string, !url.isEmpty else { return claims }
        let bytes: [UInt8]
        do {
            bytes = try await documents.get(url, bearer: place["access_token"].string.flatMap { $0.isEmpty ? nil : $0 })
        } catch {
            throw TokenProblem("while getting distributed claim \(FieldError.quoted(claim)): \(error)")
        }
        guard let token = JSONWebToken(String(decoding: bytes, as: UTF8.self)) else {
            throw TokenProblem("\(url) did not answer with a token for claim \(FieldError.quoted(claim))")
        }
        try await checks.check(token, keys(of: token.payload["iss"].string ?? ""))
        guard let value = token.payload.fields[claim] else {
            throw TokenProblem("jwt returned by distributed claim endpoint \(FieldError.quoted(url)) did not contain claim: \(claim)")
        }
        var complete = claims
        complete[claim] = value
        return complete
    }

    private func keys(of issuer: String) -> IssuerKeys {
        issuers.withLock { issuers in
            if let known = issuers[issuer] { return known }
            if issuers.count >= Self.mostIssuers { issuers.removeAll() }
            let new = IssuerKeys(issuer: issuer, discoveryURL: nil, documents)
            issuers[issuer] = new
            return new
        }
    }
}
