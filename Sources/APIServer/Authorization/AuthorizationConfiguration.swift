import APIModel
import CEL
import Client

/// Who is asked what users may do, one after another: `--authorization-config`, or the modes of `--authorization-mode`.
public struct AuthorizationConfiguration: Sendable {
    enum Authorizer: Sendable {
        case mode(AuthorizationMode, name: String)
        case webhook(WebhookAuthorizer, name: String)
    }

    let authorizers: [Authorizer]

    public static let standard = AuthorizationConfiguration([.node, .rbac])

    /// - Parameter webhook: who stands for the mode of that name.
    public init(_ modes: [AuthorizationMode], webhook: WebhookAuthorizer? = nil) {
        authorizers = modes.compactMap { mode in
            mode == .webhook ? webhook.map { .webhook($0, name: "default") } : .mode(mode, name: mode.rawValue.lowercased())
        }
    }

    /// What is no webhook.
    var modes: Set<AuthorizationMode> {
        Set(authorizers.compactMap { if case .mode(let mode, name: _) = $0 { mode } else { nil } })
    }

    // MARK: The file

    private static let versions = ["v1", "v1beta1", "v1alpha1"].map { "apiserver.config.k8s.io/\($0)" }

    /// - Throws: `ConfigurationProblem` for the first thing that is wrong.
    public init(_ text: String) throws {
        authorizers = try ConfigurationFile.read(text, kind: "AuthorizationConfiguration", versions: Self.versions) { file in
            var (types, names): (Set<AuthorizationMode>, Set<String>) = ([], [])
            let found = try file.objects("authorizers") { try Self.authorizer($0, &types, &names) }
            guard !found.isEmpty else { throw file.missing("authorizers", "at least one authorization mode must be defined") }
            return found
        }
    }

    private static func authorizer(
        _ fields: ConfigurationFields, _ types: inout Set<AuthorizationMode>, _ names: inout Set<String>
    ) throws -> Authorizer {
        let type = try fields.string("type") ?? ""
        guard !type.isEmpty else { throw fields.missing("type") }
        guard let mode = AuthorizationMode(rawValue: type) else {
            throw fields.unsupported("type", type, AuthorizationMode.allCases.map(\.rawValue).sorted())
        }
        guard types.insert(mode).inserted || mode == .webhook else { throw fields.duplicate("type", type) }
        let name = try fields.string("name") ?? ""
        guard !name.isEmpty else { throw fields.missing("name") }
        guard names.insert(name).inserted else { throw fields.duplicate("name", name) }
        let problems = Names.dnsSubdomain(name)
        guard problems.isEmpty else {
            throw fields.invalid("name", name, "authorizer name is invalid: \(problems.joined(separator: ", "))")
        }
        let webhook = try fields.object("webhook") { try WebhookAuthorizer($0) }
        switch (mode, webhook) {
        case (.webhook, let webhook?): return .webhook(webhook, name: name)
        case (.webhook, nil): throw fields.missing("webhook", "required when type=Webhook")
        case (_, nil): return .mode(mode, name: name)
        default: throw fields.invalid("webhook", "non-null", "may only be specified when type=Webhook")
        }
    }
}

extension WebhookAuthorizer {
    private static let longestTimeout = Duration.seconds(30)

    /// - Throws: `ConfigurationProblem`.
    fileprivate convenience init(_ fields: ConfigurationFields) throws {
        let timeout = try fields.span("timeout")
        guard timeout > .zero, timeout <= Self.longestTimeout else {
            throw fields.invalid("timeout", try fields.string("timeout") ?? "", "must be > 0s and <= 30s")
        }
        func lifetime(_ name: String, isUsed: Bool) throws -> Duration {
            let span = try fields.span(name)
            guard span > .zero else { throw fields.invalid(name, try fields.string(name) ?? "", "must be > 0s") }
            return isUsed ? span : .zero
        }
        var settings = Settings()
        settings.timeout = timeout
        settings.authorizedLifetime = try lifetime("authorizedTTL", isUsed: try fields.bool("cacheAuthorizedRequests") ?? true)
        settings.unauthorizedLifetime = try lifetime("unauthorizedTTL", isUsed: try fields.bool("cacheUnauthorizedRequests") ?? true)
        settings.version = try fields.word("subjectAccessReviewVersion", Settings.versions)
        settings.deniesOnFailure = try fields.word("failurePolicy", ["NoOpinion", "Deny"]) == "Deny"
        settings.conditions = try Self.conditions(fields)
        guard let server = try fields.object("connectionInfo", Self.connection) else { throw fields.missing("connectionInfo.type") }
        do {
            try self.init(server, settings)
        } catch {
            throw fields.problem("connectionInfo.kubeConfigFile", "\(error)")
        }
    }

    private static func connection(_ fields: ConfigurationFields) throws -> ClientConfiguration {
        let type = try fields.string("type") ?? ""
        guard !type.isEmpty else { throw fields.missing("type") }
        guard type != "InClusterConfig" else { throw fields.problem("type", "InClusterConfig is not supported; KubeConfigFile is") }
        guard type == "KubeConfigFile" else { throw fields.unsupported("type", type, ["InClusterConfig", "KubeConfigFile"]) }
        let path = try fields.string("kubeConfigFile") ?? ""
        guard !path.isEmpty else { throw fields.missing("kubeConfigFile") }
        guard path.hasPrefix("/") else { throw fields.invalid("kubeConfigFile", path, "must be an absolute path") }
        do {
            return try ClientConfiguration.load(kubeconfig: path)
        } catch {
            throw fields.invalid("kubeConfigFile", path, "error loading file: \(error)")
        }
    }

    private static func conditions(_ fields: ConfigurationFields) throws -> ReviewConditions {
        var seen: Set<String> = []
        let expressions = try fields.objects("matchConditions") { condition in
            let text = try condition.string("expression") ?? ""
            guard !text.trimmed.isEmpty else { throw condition.missing("expression") }
            guard seen.insert(text).inserted else { throw condition.duplicate("expression", text) }
            do { return try ReviewConditions.compile(text) } catch { throw condition.invalid("expression", text, "\(error)") }
        }
        guard expressions.count <= ReviewConditions.most else {
            throw fields.problem("matchConditions", "Too many: \(expressions.count): must have at most \(ReviewConditions.most) items")
        }
        let version = try fields.string("matchConditionSubjectAccessReviewVersion") ?? ""
        guard !version.isEmpty || expressions.isEmpty else {
            throw fields.missing("matchConditionSubjectAccessReviewVersion", "required if match conditions are specified")
        }
        guard version.isEmpty || version == "v1" else {
            throw fields.unsupported("matchConditionSubjectAccessReviewVersion", version, ["v1"])
        }
        return ReviewConditions(expressions)
    }
}

extension ConfigurationFields {
    fileprivate func unsupported(_ name: String, _ value: String, _ known: [String]) -> ConfigurationProblem {
        problem(
            name,
            "Unsupported value: \(FieldError.quoted(value)): supported values: \(known.map(FieldError.quoted).joined(separator: ", "))")
    }

    /// A duration that has to be there.
    fileprivate func span(_ name: String) throws -> Duration {
        guard let span = try duration(name), span != .zero else { throw missing(name) }
        return span
    }

    /// One of a few words, which has to be there.
    fileprivate func word(_ name: String, _ known: [String]) throws -> String {
        let word = try string(name) ?? ""
        guard !word.isEmpty else { throw missing(name) }
        guard known.contains(word) else { throw unsupported(name, word, known) }
        return word
    }
}
