import APIModel
import CEL
import PKI

/// One entry of `jwt`: whose tokens are believed, for whom they must be, what must be true of them, and who their owners are here.
struct IssuerSettings: Sendable {
    /// A condition and what is told where it does not hold.
    struct Rule: Sendable {
        var expression: ClaimExpression
        var message: String
    }

    /// The `iss` of its tokens.
    var url: String
    /// Where it says where its keys are; `nil` for the well-known place below `url`.
    var discoveryURL: String?
    /// Who vouches for its servers, in PEM; `nil` for the system's roots.
    var authorities: String?
    /// A token must be for one of these.
    var audiences: [String]
    /// Claims that must say just this.
    var requiredClaims: [(name: String, value: String)]
    var claimRules: [Rule]
    var mappings: ClaimMappings
    var userRules: [Rule]
}

/// Reads an entry of `jwt` strictly; what is wrong with it is said as upstream says it.
struct IssuerReader {
    /// Issuers that nobody else may be: those of this server's own tokens.
    let ownIssuers: [String]

    private static let emailRule =
        "claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or "
        + "claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression"

    /// - Throws: `ConfigurationProblem`.
    func read(_ fields: ConfigurationFields) throws -> IssuerSettings {
        guard let issuer = try fields.object("issuer", issuer) else { throw fields.missing("issuer.url") }
        let rules = try claimRules(fields)
        guard let mappings = try fields.object("claimMappings", mappings) else {
            throw fields.missing("claimMappings.username", "claim or expression is required")
        }
        let settings = IssuerSettings(
            url: issuer.url, discoveryURL: issuer.discoveryURL, authorities: issuer.authorities, audiences: issuer.audiences,
            requiredClaims: rules.claims, claimRules: rules.expressions, mappings: mappings, userRules: try userRules(fields))
        guard settings.asksWhetherEmailIsVerified else {
            throw fields.invalid("claimMappings.username.expression", settings.usernameExpression, Self.emailRule)
        }
        return settings
    }

    // MARK: The issuer

    private func issuer(_ fields: ConfigurationFields) throws -> (
        url: String, discoveryURL: String?, authorities: String?, audiences: [String]
    ) {
        let url = try fields.string("url") ?? ""
        guard !url.isEmpty else { throw fields.missing("url") }
        guard !ownIssuers.contains(url) else {
            throw fields.invalid(
                "url", url, "URL must not overlap with disallowed issuers: [\(ownIssuers.sorted().joined(separator: " "))]")
        }
        try check(url, "url", fields)
        let discovery = try fields.string("discoveryURL").flatMap { $0.isEmpty ? nil : $0 }
        if let discovery {
            guard Self.withoutSlashes(url) != Self.withoutSlashes(discovery) else {
                throw fields.invalid("discoveryURL", discovery, "discoveryURL must be different from URL")
            }
            try check(discovery, "discoveryURL", fields)
        }
        let authorities = try fields.string("certificateAuthority").flatMap { $0.isEmpty ? nil : $0 }
        if let authorities {
            do { try CertificateChain.check(pem: authorities) } catch {
                throw ConfigurationProblem("\(fields.place("certificateAuthority")): Invalid value: \"<omitted>\": \(error)")
            }
        }
        if let egress = try fields.string("egressSelectorType"), !egress.isEmpty {
            throw fields.invalid("egressSelectorType", egress, "egress selectors are not supported")
        }
        return (url, discovery, authorities, try audiences(fields))
    }

    static func withoutSlashes(_ url: String) -> Substring {
        var rest = url[...]
        while rest.last == "/" { rest.removeLast() }
        return rest
    }

    private func check(_ text: String, _ name: String, _ fields: ConfigurationFields) throws {
        guard let url = WebhookURL(text), url.scheme == "https" else { throw fields.invalid(name, text, "URL scheme must be https") }
        if url.hasUser { throw fields.invalid(name, text, "URL must not contain a username or password") }
        if !url.query.isEmpty { throw fields.invalid(name, text, "URL must not contain a query") }
        if !url.fragment.isEmpty { throw fields.invalid(name, text, "URL must not contain a fragment") }
    }

    private func audiences(_ fields: ConfigurationFields) throws -> [String] {
        let audiences = try fields.strings("audiences")
        guard !audiences.isEmpty else { throw fields.missing("audiences", "at least one \(fields.place("audiences")) is required") }
        var seen: Set<String> = []
        for (index, audience) in audiences.enumerated() {
            if audience.isEmpty { throw fields.missing("audiences[\(index)]") }
            if !seen.insert(audience).inserted { throw fields.duplicate("audiences[\(index)]", audience) }
        }
        let policy = try fields.string("audienceMatchPolicy") ?? ""
        guard policy == "MatchAny" || policy.isEmpty && audiences.count == 1 else {
            throw fields.invalid(
                "audienceMatchPolicy", policy,
                audiences.count > 1
                    ? "audienceMatchPolicy must be MatchAny for multiple audiences"
                    : "audienceMatchPolicy must be empty or MatchAny for single audience")
        }
        return audiences
    }

    // MARK: The rules

    private func claimRules(_ fields: ConfigurationFields) throws -> (
        claims: [(name: String, value: String)], expressions: [IssuerSettings.Rule]
    ) {
        var claims: [(name: String, value: String)] = []
        var expressions: [IssuerSettings.Rule] = []
        _ = try fields.objects("claimValidationRules") { rule in
            let (claim, value) = (try rule.string("claim") ?? "", try rule.string("requiredValue") ?? "")
            let (text, message) = (try rule.string("expression") ?? "", try rule.string("message") ?? "")
            switch (claim.isEmpty, text.isEmpty) {
            case (false, false):
                throw ConfigurationProblem(
                    "\(rule.path): Invalid value: \(FieldError.quoted(claim)): claim and expression can't both be set")
            case (true, true): throw ConfigurationProblem("\(rule.path): Required value: claim or expression is required")
            case (false, true):
                if !message.isEmpty { throw rule.invalid("message", message, "may not be specified when claim is set") }
                if claims.contains(where: { $0.name == claim }) { throw rule.duplicate("claim", claim) }
                claims.append((claim, value))
            case (true, false):
                if !value.isEmpty { throw rule.invalid("requiredValue", value, "may not be specified when expression is set") }
                if expressions.contains(where: { $0.expression.text == text }) { throw rule.duplicate("expression", text) }
                expressions.append(.init(expression: try rule.compiled("expression", text, ClaimExpression.claimRule), message: message))
            }
        }
        return (claims, expressions)
    }

    private func userRules(_ fields: ConfigurationFields) throws -> [IssuerSettings.Rule] {
        var seen: Set<String> = []
        return try fields.objects("userValidationRules") { rule in
            let (text, message) = (try rule.string("expression") ?? "", try rule.string("message") ?? "")
            guard !text.isEmpty else { throw rule.missing("expression") }
            guard seen.insert(text).inserted else { throw rule.duplicate("expression", text) }
            return IssuerSettings.Rule(expression: try rule.compiled("expression", text, ClaimExpression.userRule), message: message)
        }
    }

    // MARK: The mappings

    private func mappings(_ fields: ConfigurationFields) throws -> ClaimMappings {
        guard let username = try fields.object("username", { try source($0, hasPrefix: true) }) ?? nil else {
            throw fields.missing("username", "claim or expression is required")
        }
        return ClaimMappings(
            username: username, groups: try fields.object("groups") { try source($0, hasPrefix: true) } ?? nil,
            uid: try fields.object("uid") { try source($0, hasPrefix: false) } ?? nil, extra: try extra(fields))
    }

    private func source(_ fields: ConfigurationFields, hasPrefix: Bool) throws -> ClaimMappings.Source? {
        let (claim, text) = (try fields.string("claim") ?? "", try fields.string("expression") ?? "")
        let prefix = hasPrefix ? try fields.string("prefix") : nil
        guard claim.isEmpty || text.isEmpty else {
            throw ConfigurationProblem("\(fields.path): Invalid value: \"\": claim and expression can't both be set")
        }
        if !text.isEmpty {
            if let prefix { throw fields.invalid("prefix", prefix, "may not be specified when expression is set") }
            return .expression(try fields.compiled("expression", text, ClaimExpression.mapping))
        }
        guard !claim.isEmpty else { return nil }
        guard !hasPrefix || prefix != nil else {
            throw fields.missing(
                "prefix", "prefix is required when claim is set. It can be set to an empty string to disable prefixing")
        }
        return .claim(claim, prefix: prefix ?? "")
    }

    private func extra(_ fields: ConfigurationFields) throws -> [(key: String, value: ClaimExpression)] {
        var seen: Set<String> = []
        return try fields.objects("extra") { entry in
            let (key, text) = (try entry.string("key") ?? "", try entry.string("valueExpression") ?? "")
            guard !key.isEmpty else { throw entry.missing("key") }
            let parts = key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw entry.invalid("key", key, "must be a domain-prefixed path (such as \"acme.io/foo\")")
            }
            if let problem = Names.dnsSubdomain(parts[0]).first { throw entry.invalid("key", parts[0], problem) }
            if key != key.lowercased() { throw entry.invalid("key", key, "must be lowercase") }
            for reserved in ["kubernetes.io", "k8s.io"] where parts[0] == reserved || parts[0].hasSuffix(".\(reserved)") {
                throw entry.invalid("key", key, "k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use")
            }
            guard seen.insert(key).inserted else { throw entry.duplicate("key", key) }
            guard !text.isEmpty else { throw entry.missing("valueExpression") }
            return (key, try entry.compiled("valueExpression", text, ClaimExpression.mapping))
        }
    }
}

extension IssuerSettings {
    fileprivate var usernameExpression: String { if case .expression(let expression) = mappings.username { expression.text } else { "" } }

    /// Whether somebody looks at `email_verified`, where the name is made of `email`.
    fileprivate var asksWhetherEmailIsVerified: Bool {
        func reads(_ claim: String, _ text: String) -> Bool { ClaimExpression.claims.selects(claim, of: "claims", in: text) }
        guard reads("email", usernameExpression) else { return true }
        let texts = [usernameExpression] + mappings.extra.map(\.value.text) + claimRules.map(\.expression.text)
        return texts.contains { reads("email_verified", $0) }
    }
}

extension ConfigurationFields {
    func missing(_ name: String, _ detail: String = "") -> ConfigurationProblem {
        problem(name, detail.isEmpty ? "Required value" : "Required value: \(detail)")
    }

    func invalid(_ name: String, _ value: String, _ detail: String) -> ConfigurationProblem {
        problem(name, "Invalid value: \(FieldError.quoted(value)): \(detail)")
    }

    func duplicate(_ name: String, _ value: String) -> ConfigurationProblem {
        problem(name, "Duplicate value: \(FieldError.quoted(value))")
    }

    fileprivate func compiled(_ name: String, _ text: String, _ compile: (String) throws -> ClaimExpression) throws -> ClaimExpression {
        do { return try compile(text) } catch { throw invalid(name, text, "\(error)") }
    }
}
