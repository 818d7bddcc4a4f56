import APIModel
import Exposition
import Synchronization

/// How it ended that somebody was to be authenticated or authorized, and how long it took, under upstream's names.
struct AuthenticationMetrics: MetricsSource {
    enum Authenticated: String, Sendable { case success, failure, error }
    enum Authorized: String, Sendable {
        case allowed, denied
        case noOpinion = "no-opinion"
        case error
    }

    private let authentications = Outcomes<Authenticated>(counter: "authentication_attempts", durations: "authentication_duration_seconds")
    private let authorizations = Outcomes<Authorized>(counter: "authorization_attempts_total", durations: "authorization_duration_seconds")
    private let users = Users()
    /// Upstream's bounds: from none to half an hour, then hours, days, weeks and months up to a year.
    private let certificates = Durations(
        "apiserver_client_certificate_expiration_seconds", "How long the certificates still hold by which requests were authenticated.",
        bounds: [
            0, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000,
        ])

    private let handshakes = Counters(
        "apiserver_tls_handshake_errors_total", "Connections that ended before TLS was agreed on.")

    func handshakeFailed() { handshakes.add() }

    /// - Parameter expires: in seconds since 1970.
    func certificate(expires: Whole) { certificates.add(duration: .seconds((expires - Clock.seconds).int64)) }

    func authenticated(_ outcome: Authenticated, as user: String = "", since begin: ContinuousClock.Instant) {
        authentications.add(outcome, ContinuousClock.now - begin)
        if outcome == .success { users.add(user) }
    }

    func authorized(_ decision: Decision, since begin: ContinuousClock.Instant) {
        let outcome: Authorized =
            switch decision {
            case .allow: .allowed
            case .pass: .noOpinion
            case .deny: .denied
            case .fail: .error
            }
        authorizations.add(outcome, ContinuousClock.now - begin)
    }

    func write(to text: inout MetricsText) {
        authentications.write(to: &text)
        authorizations.write(to: &text)
        users.write(to: &text)
        certificates.write(to: &text)
        handshakes.write(to: &text)
    }

    /// A counter and a histogram of durations for each of a few outcomes. Every request passes here, so it is one lock for both.
    private final class Outcomes<Outcome: RawRepresentable<String> & Hashable & Sendable>: Sendable {
        private let counter: String
        private let durations: String
        private let state = Mutex<[Outcome: Histogram]>([:])

        init(counter: String, durations: String) {
            self.counter = counter
            self.durations = durations
        }

        func add(_ outcome: Outcome, _ duration: Duration) {
            state.withLock { $0[outcome, default: Histogram(Durations.fromMilliseconds)].add(duration / .seconds(1)) }
        }

        func write(to text: inout MetricsText) {
            let all = state.withLock { $0 }.map { ([("result", $0.rawValue)], $1) }
            text.family(counter, .counter, "How often it ended so.", all.map { ($0, "\($1.count)") })
            text.histograms(durations, "How long it took.", all.map { (labels: $0, histogram: $1) })
        }
    }

    /// Requests of some users that upstream knows by name, and of all the others.
    private final class Users: Sendable {
        private static let known: Set = ["admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"]

        private let counts = Mutex<[String: UInt64]>([:])

        func add(_ user: String) {
            let name = Self.known.contains(user) ? user : user.utf8.contains(UInt8(ascii: "@")) ? "email_id" : "other"
            counts.withLock { $0[name, default: 0] += 1 }
        }

        func write(to text: inout MetricsText) {
            text.family(
                "authenticated_user_requests", .counter, "Requests by who sent them.",
                counts.withLock { $0 }.map { ([("username", $0)], "\($1)") })
        }
    }
}
