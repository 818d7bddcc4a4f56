public import APIModel
public import Client
import OrderedCollections

/// Asks another server what users may do, by a SubjectAccessReview. What it said is believed for a while. Safe from any task.
public final class WebhookAuthorizer: Sendable {
    public struct Settings: Sendable {
        static let versions = ["v1", "v1beta1"]

        /// Of one try.
        public var timeout = Duration.seconds(30)
        /// How long an answer is believed; zero for not at all.
        public var authorizedLifetime = Duration.seconds(300)
        public var unauthorizedLifetime = Duration.seconds(30)
        /// Of the reviews that are sent.
        public var version = "v1beta1"
        /// Whether nobody may do what it could not be asked about; else it has no opinion of it.
        public var deniesOnFailure = false
        var conditions = ReviewConditions()

        public init() {}
    }

    private let server: BackendServer
    private let settings: Settings
    private let answers: Remembered<Attributes, Decision>

    private static let firstWait = Duration.milliseconds(500)
    /// Characters of a question beyond which its answer is not kept: those who ask must not fill memory.
    private static let longestKept = 10_000

    /// - Parameter now: in seconds since 1970.
    /// - Throws: `ConfigurationProblem` for an address that is none.
    public init(
        _ configuration: ClientConfiguration, _ settings: Settings, now: @escaping @Sendable () -> Whole = { Timestamp.nowSeconds() }
    ) throws {
        server = try BackendServer(configuration, userAgent: "kube-apiserver")
        self.settings = settings
        answers = Remembered(now: now)
    }

    /// What can be said without asking, `nil` when it has to be asked.
    func known(_ attributes: Attributes, _ told: AuthorizationMetrics.Telling?) -> Decision? {
        switch settings.conditions.evaluate(attributes, told) {
        case .doesNot: return .noOpinion
        case .failed(let problem): return .fail(problem, isDenied: settings.deniesOnFailure)
        case .matches: return answers[attributes]
        }
    }

    func authorize(_ attributes: Attributes, _ told: AuthorizationMetrics.Telling?) async -> Decision {
        if let known = known(attributes, told) { return known }
        let group = "authorization.k8s.io/\(settings.version)"
        let review: Value = [
            "apiVersion": .string(group), "kind": "SubjectAccessReview", "metadata": .emptyObject,
            "spec": AccessQuestion.spec(attributes, version: settings.version),
        ]
        let status: Value
        do {
            status = try await server.post(
                JSON.encode(review), timeout: settings.timeout, firstWait: Self.firstWait, mayPass: BackendServer.Refused.mayPass,
                told: { told?.asked($0, since: $1) }, read: { try Self.status($0, group: group) })
        } catch {
            if !settings.deniesOnFailure { told?.failedOpen(error) }
            return .fail("the authorization webhook could not be asked: \(error)", isDenied: settings.deniesOnFailure)
        }
        let decision = Self.decision(status)
        let lifetime = status["allowed"].bool == true ? settings.authorizedLifetime : settings.unauthorizedLifetime
        if lifetime >= .seconds(1), attributes.size < Self.longestKept {
            answers.remember(attributes, decision, for: lifetime.components.seconds)
        }
        return decision
    }

    private static func status(_ answer: [UInt8], group: String) throws -> Value {
        let answer = try JSON.decode(answer)
        guard answer["kind"].string == "SubjectAccessReview", answer["apiVersion"].string == group, case .object = answer["status"] else {
            throw ConfigurationProblem("the answer is no SubjectAccessReview of \(group)")
        }
        return answer["status"]
    }

    private static func decision(_ status: Value) -> Decision {
        let reason = status["reason"].string ?? ""
        switch (status["allowed"].bool == true, status["denied"].bool == true) {
        case (true, true): return .fail("webhook subject access review returned both allow and deny response", isDenied: true)
        case (_, true): return .deny(reason)
        case (true, _): return .allow(reason)
        default: return .pass(reason)
        }
    }
}

extension Attributes {
    /// How much of it those who ask choose, in bytes.
    fileprivate var size: Int {
        [namespace, verb, group, version, resource, subresource, name, path].reduce(0) { $0 + $1.utf8.count }
    }
}
