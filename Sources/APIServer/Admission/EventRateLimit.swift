import APIModel
import Synchronization

/// Keeps events from filling the store: so many a second from the whole cluster, of a namespace, by a user, or about one thing from one
/// source.
struct EventRateLimit: ValidatingMember {
    static let name = "EventRateLimit"
    var name: String { Self.name }

    private let limits: [Limit]

    func concerns(collection: String) -> Bool { !limits.isEmpty && (collection == "/events" || collection == "events.k8s.io/events") }

    func validate(_ event: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .create || request.operation == .update, !request.context.isDryRun else { return nil }
        // Every limit counts the event, whatever the others say.
        let reached = limits.compactMap { $0.refusal(of: event, request) }
        guard let why = Aggregate.text(reached) else { return nil }
        throw APIError(
            code: 429, reason: .tooManyRequests, message: "Too many requests: \(why)", details: ["retryAfterSeconds": 10])
    }

    // MARK: Limits

    enum Kind: String, CaseIterable {
        case server = "Server"
        case namespace = "Namespace"
        case user = "User"
        case sourceAndObject = "SourceAndObject"
    }

    private struct Limit: Sendable {
        var kind: Kind
        var buckets: TokenBuckets

        func refusal(of event: Value, _ request: AdmissionRequest) -> String? {
            let key =
                switch kind {
                case .server: ""
                case .namespace: request.target.namespace
                case .user: request.user.name
                case .sourceAndObject: Self.subject(of: event)
                }
            return buckets.take(key) ? nil : "limit reached on type \(kind.rawValue) for key \(key)"
        }

        private static func subject(of event: Value) -> String {
            let (source, object) = (event["source"], event["involvedObject"])
            let words = [source["component"], source["host"]] + ["kind", "namespace", "name", "uid", "apiVersion"].map { object[$0] }
            return words.map { $0.string ?? "" }.joined()
        }
    }

    // MARK: Configuration

    /// No limits.
    init() { limits = [] }

    /// - Throws: `ConfigurationProblem`.
    init(_ configuration: Value?, now: @escaping @Sendable () -> Duration = MonotonicTime.now) throws {
        guard let configuration else {
            throw ConfigurationProblem("EventRateLimit needs its limits: name a file with --admission-control-config-file")
        }
        limits = try ConfigurationFile.read(
            configuration, kind: "Configuration", versions: ["eventratelimit.admission.k8s.io/v1alpha1"]
        ) { file in
            let limits = try file.objects("limits") { limit in
                guard let kind = try limit.choice("type", Kind.self) else { throw limit.problem("type", "required") }
                func positive(_ name: String) throws -> Int {
                    guard let number = try limit.whole(name), number > 0 else { throw limit.problem(name, "must be positive") }
                    return Int(number)
                }
                let size = try limit.whole("cacheSize") ?? 0
                guard size >= 0 else { throw limit.problem("cacheSize", "must not be negative") }
                return Limit(
                    kind: kind,
                    buckets: TokenBuckets(
                        perSecond: try positive("qps"), burst: try positive("burst"), most: size == 0 ? 4096 : Int(size), now: now))
            }
            guard !limits.isEmpty else { throw file.problem("limits", "required") }
            guard Set(limits.map(\.kind)).count == limits.count else { throw file.problem("limits", "each type may be limited once") }
            return limits
        }
    }
}
