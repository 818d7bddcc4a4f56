import APIModel
import PKI

/// What must be true of every token of an issuer, whatever else it says: for whom, until when, signed with what.
struct TokenChecks: Sendable {
    let audiences: [String]
    let algorithms: Set<SigningAlgorithm>
    let now: @Sendable () -> Whole

    /// Clocks of issuers go ahead of ours.
    private static let leeway: Whole = 300

    /// - Throws: `TokenProblem`, or why the issuer's keys are not known.
    func check(_ token: JSONWebToken, _ keys: IssuerKeys) async throws {
        guard token.audiences.contains(where: audiences.contains) else {
            throw TokenProblem("verify token: oidc: expected audience in \(audiences.sorted()) got \(token.audiences)")
        }
        let now = now()
        guard let end = token.payload["exp"].seconds, now <= end else {
            let end = token.payload["exp"].seconds.map { Timestamp.format(seconds: $0) } ?? "none"
            throw TokenProblem("verify token: oidc: token is expired (Token Expiry: \(end))")
        }
        if let begin = token.payload["nbf"].seconds, now + Self.leeway < begin {
            throw TokenProblem(
                "verify token: oidc: current time \(Timestamp.format(seconds: now)) before the nbf (not before) time: "
                    + Timestamp.format(seconds: begin))
        }
        guard let algorithm = token.algorithm, algorithms.contains(algorithm) else {
            let named = FieldError.quoted(token.header["alg"].string ?? "")
            throw TokenProblem(
                "verify token: oidc: id token signed with unsupported algorithm, expected \(algorithms.map(\.rawValue).sorted()) got \(named)"
            )
        }
        guard try await keys.vouch(for: token) else {
            throw TokenProblem("verify token: failed to verify signature: failed to verify id token signature")
        }
    }
}

extension Value {
    /// A time in seconds since 1970, which issuers may give with a fraction.
    fileprivate var seconds: Whole? {
        if case .double(let seconds) = self { return seconds.isFinite ? Whole(Int64(max(-1e15, min(1e15, seconds)))) : nil }
        return int
    }
}
