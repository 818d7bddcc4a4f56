import APIModel
import Logging
import Synchronization

/// Asks one authorizer after another; the first that allows or denies decides. Who is asked may change while the server runs. Safe from any
/// task.
final class AuthorizerChain: Sendable {
    private struct Member: Sendable {
        enum Kind: Sendable {
            case own(any Authorizer)
            case webhook(WebhookAuthorizer)
        }

        var kind: Kind
        /// For metrics; `nil` where no configuration names it.
        var title: AuthorizationMetrics.Title?
    }

    /// Those that are asked before all that a configuration names.
    private let first: [any Authorizer]
    private let modes: [AuthorizationMode: any Authorizer]
    private let required: Set<AuthorizationMode>
    private let members: Mutex<[Member]>
    let metrics = AuthorizationMetrics()

    init(first: [any Authorizer], modes: [AuthorizationMode: any Authorizer], _ configuration: AuthorizationConfiguration) {
        self.first = first
        self.modes = modes
        required = configuration.modes
        members = Mutex([])
        members.withLock { $0 = found(configuration) }
    }

    private func found(_ configuration: AuthorizationConfiguration) -> [Member] {
        first.map { Member(kind: .own($0)) }
            + configuration.authorizers.compactMap { authorizer in
                switch authorizer {
                case .mode(let mode, let name):
                    modes[mode].map { Member(kind: .own($0), title: .init(type: mode.rawValue, name: name)) }
                case .webhook(let webhook, let name):
                    Member(kind: .webhook(webhook), title: .init(type: AuthorizationMode.webhook.rawValue, name: name))
                }
            }
    }

    // MARK: Decisions

    /// What can be said without asking anybody else; `nil` when somebody has to be asked.
    func decide(_ attributes: Attributes) -> Decision? {
        var opinions = Opinions()
        for member in members.withLock({ $0 }) {
            switch member.kind {
            case .own(let authorizer): opinions.add(authorizer.authorize(attributes))
            case .webhook(let webhook):
                guard let known = webhook.known(attributes, told(member)) else { return nil }
                opinions.add(known)
            }
            if let decision = opinions.decision { return counted(decision, of: member) }
        }
        return opinions.end
    }

    func authorize(_ attributes: Attributes) async -> Decision {
        var opinions = Opinions()
        for member in members.withLock({ $0 }) {
            switch member.kind {
            case .own(let authorizer): opinions.add(authorizer.authorize(attributes))
            case .webhook(let webhook): opinions.add(await webhook.authorize(attributes, told(member)))
            }
            if let decision = opinions.decision { return counted(decision, of: member) }
        }
        return opinions.end
    }

    private func counted(_ decision: Decision, of member: Member) -> Decision {
        if let title = member.title { metrics.decided(decision, title) }
        return decision
    }

    private func told(_ member: Member) -> AuthorizationMetrics.Telling? { member.title.map { .init(metrics: metrics, title: $0) } }

    /// What was said so far.
    private struct Opinions {
        private(set) var decision: Decision?
        private var reasons: [String] = []
        private var problems: [String] = []

        mutating func add(_ opinion: Decision) {
            switch opinion {
            case .allow, .deny: decision = opinion
            case .pass(let reason): if !reason.isEmpty { reasons.append(reason) }
            case .fail(let problem, let isDenied):
                problems.append(problem)
                if isDenied { decision = .fail(Aggregate.text(problems) ?? "", isDenied: true) }
            }
        }

        /// Where nobody decided.
        var end: Decision {
            if let problem = Aggregate.text(problems) { return .fail(problem, isDenied: false) }
            return .pass(reasons.joined(separator: "\n"))
        }
    }

    /// Whether it is allowed, whatever the reason.
    func allows(_ attributes: Attributes) async -> Bool { if case .allow = await authorize(attributes) { true } else { false } }

    /// - Throws: 403 unless it is allowed.
    func require(_ attributes: Attributes) async throws { try await authorize(attributes).require(attributes) }

    // MARK: Rules

    /// All rules that the user has in the namespace, as far as authorizers can tell.
    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] {
        members.withLock { $0 }.flatMap { member in
            if case .own(let authorizer) = member.kind { authorizer.rules(for: user, namespace: namespace) } else { [PolicyRule]() }
        }
    }

    /// Why `rules` does not tell all that the user may, `nil` when it does.
    func unresolvedRules(for user: UserInfo) -> String? {
        Aggregate.text(
            members.withLock { $0 }.compactMap { member in
                switch member.kind {
                case .own(let authorizer): authorizer.unresolvedRules(for: user)
                case .webhook: "webhook authorizer does not support user rule resolution"
                }
            })
    }

    // MARK: Changes

    /// From now on asks whom the configuration names.
    /// - Throws: `ConfigurationProblem` when it leaves out what was there from the start and is no webhook.
    func use(_ configuration: AuthorizationConfiguration) throws {
        let missing = required.subtracting(configuration.modes).map(\.rawValue).sorted()
        guard missing.isEmpty else { throw ConfigurationProblem("missing required types: [\(missing.joined(separator: " "))]") }
        let new = found(configuration)
        members.withLock { $0 = new }
    }

    /// Looks every `interval` whether the file says something else, until the task is cancelled. What cannot be used is told, and who was
    /// asked before goes on being asked.
    func reload(_ path: String, every interval: Duration, log: Logger) async {
        let file = WatchedFile(path)
        await WatchedFile.follow("authorization configuration", in: [path], every: interval, log: log) {
            try await metrics.reloads.measure {
                guard let text = try await file.change() else { return false }
                try use(try AuthorizationConfiguration(text))
                return true
            }
        }
    }
}
