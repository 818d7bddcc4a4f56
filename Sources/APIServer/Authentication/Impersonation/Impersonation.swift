import APIModel
import HTTPServer
import HTTPTypes

/// Acting as somebody else, by the `Impersonate-…` headers. Safe from any task.
final class Impersonation: Sendable {
    /// Whom a request acts as.
    struct Role {
        var user: UserInfo
        /// The verb of the constrained mode that allowed it; `nil` for the older one.
        var constraint: String?
    }

    private static let user = HTTPField.Name("Impersonate-User")!
    private static let uid = HTTPField.Name("Impersonate-Uid")!
    private static let group = HTTPField.Name("Impersonate-Group")!
    private static let prefix = "impersonate-"
    private static let extra = "impersonate-extra-"

    let metrics = ImpersonationMetrics()
    private let authorizer: AuthorizerChain
    private let lastModes = LastModes()

    init(_ authorizer: AuthorizerChain) { self.authorizer = authorizer }

    /// Whom the headers ask to act as, if `real` may do the request so; `nil` without such headers.
    ///
    /// The mode that allowed the user's last such request is asked first, then the others, the narrower before the wider.
    /// - Throws: 403 when the real user may not, as the first mode that was asked says it; 400 when there is no user to act as.
    func apply(_ headers: HTTPFields, real: UserInfo, _ info: RequestInfo) async throws -> Role? {
        guard headers.contains(where: { $0.name.canonicalName.hasPrefix(Self.prefix) }) else { return nil }
        guard let wanted = try Self.wanted(headers) else { return nil }
        let attributes = Attributes(user: real, info)
        let begin = ContinuousClock.now
        var first: APIError?
        for mode in lastModes.order(for: real.name) where mode.applies(to: wanted, real: real) {
            if let refusal = await refusal(mode, wanted, attributes) {
                first = first ?? refusal
                continue
            }
            lastModes.note(mode, for: real.name)
            metrics.attempted(mode.rawValue, isAllowed: true, since: begin)
            return Role(user: mode.completed(wanted), constraint: mode.constraint)
        }
        metrics.attempted("", isAllowed: false, since: begin)
        throw first ?? APIError.internalError("all impersonation modes failed")
    }

    /// Who else a loop of this process may act as, by the older mode, since there is no request yet.
    /// - Throws: 403 when `real` may not act as `wanted`, as far as can be said without asking anybody.
    static func become(_ wanted: UserInfo, real: UserInfo, _ authorizer: AuthorizerChain) throws -> UserInfo {
        for case .may(let question) in ImpersonationMode.legacy.checks(wanted, real: real) {
            guard case .allow? = authorizer.decide(question) else { throw Refusal.forbidden(question, reason: "") }
        }
        return ImpersonationMode.legacy.completed(wanted)
    }

    // MARK: Headers

    private static func wanted(_ headers: HTTPFields) throws -> UserInfo? {
        var wanted = UserInfo(
            name: headers[values: user].first ?? "", uid: headers[values: uid].first ?? "", groups: headers[values: group])
        for field in headers where field.name.canonicalName.hasPrefix(Self.extra) {
            wanted.extra[RequestInfo.percentDecoded(field.name.canonicalName.dropFirst(Self.extra.count)), default: []].append(field.value)
        }
        guard wanted.name.isEmpty else { return wanted }
        guard wanted.uid.isEmpty, wanted.groups.isEmpty, wanted.extra.isEmpty else {
            throw APIError.badRequest("requested \(wanted.asGo) without impersonating a user name")
        }
        return nil
    }

    // MARK: Checks

    /// Why the mode does not let the request be done; `nil` when it does.
    private func refusal(_ mode: ImpersonationMode, _ wanted: UserInfo, _ attributes: Attributes) async -> APIError? {
        if let request = mode.check(ofRequest: attributes), let refusal = await refusal(request, mode) { return refusal }
        for check in mode.checks(wanted, real: attributes.user) {
            switch check {
            case .may(let question): if let refusal = await refusal(question, mode) { return refusal }
            case .mayAll(let questions, let all):
                guard await refusal(all, mode) != nil else { continue }
                for question in questions { if let refusal = await refusal(question, mode) { return refusal } }
            case .never(let refusal): return refusal
            }
        }
        return nil
    }

    private func refusal(_ question: Attributes, _ mode: ImpersonationMode) async -> APIError? {
        let begin = ContinuousClock.now
        let decision = await authorizer.authorize(question)
        let refusal: APIError? =
            switch decision {
            case .allow: nil
            case .pass(let reason), .deny(let reason), .fail(let reason, isDenied: _): Refusal.forbidden(question, reason: reason)
            }
        metrics.asked(mode.rawValue, isAllowed: refusal == nil, since: begin)
        return refusal
    }
}

extension UserInfo {
    /// As Go prints the user that upstream makes of the headers.
    fileprivate var asGo: String {
        func list(_ words: [String]) -> String { "{\(words.map { FieldError.quoted($0) }.joined(separator: ", "))}" }
        let groups = groups.isEmpty ? "(nil)" : list(groups)
        let extra = extra.sorted { $0.key < $1.key }.map { "\(FieldError.quoted($0.key)):[]string\(list($0.value))" }
        let map = extra.isEmpty ? "(nil)" : "{\(extra.joined(separator: ", "))}"
        return "&user.DefaultInfo{Name:\"\", UID:\(FieldError.quoted(uid)), Groups:[]string\(groups), Extra:map[string][]string\(map)}"
    }
}
