import APIModel

/// Which requests somebody is asked about who judges them from outside the server: a webhook, or a plugin.
struct AdmissionCriteria: Sendable {
    /// Whether a request is refused about which it cannot be asked.
    let failsClosed: Bool
    private let matcher: Result<RequestMatcher, APIError>
    private let conditions: MatchConditions
    private let owner: MatchConditionMetrics.Owner?

    /// The object and the old one, as whoever is asked sees them.
    typealias Shown = (object: Value, old: Value)

    /// - Parameters:
    ///   - match: `rules`, `matchPolicy`, `namespaceSelector`, `objectSelector` and `matchConditions`, as of a webhook.
    ///   - owner: for metrics of the conditions; `nil` for those that tell none.
    init(_ match: Value, failsClosed: Bool, owner: MatchConditionMetrics.Owner? = nil) {
        self.owner = owner
        self.failsClosed = failsClosed
        do throws(APIError) { matcher = .success(try RequestMatcher(match, rules: "rules")) } catch { matcher = .failure(error) }
        conditions = MatchConditions(match["matchConditions"], in: AdmissionEnvironment.with(params: false), of: owner)
    }

    /// By which version the request is to be shown, `nil` when nobody is to be asked.
    ///
    /// - Throws: when that cannot be told and the failure policy is to fail.
    func asked(_ object: Value, _ request: AdmissionRequest) async throws -> (storage: Storage, shown: Shown)? {
        let matcher: RequestMatcher
        switch self.matcher {
        case .success(let found): matcher = found
        case .failure(let error): throw APIError.internalError(error.message)
        }
        guard let storage = try matcher.matches(object, request) else { return nil }
        let shown = (
            object: try await request.shown(object, as: storage), old: try await request.shown(request.old ?? .null, as: storage)
        )
        guard !conditions.isEmpty else { return (storage, shown) }
        let input = ExpressionInput(object: shown.object, old: shown.old, review: request.review(storage), request)
        switch await conditions.evaluate(input, request) {
        case .matches: return (storage, shown)
        case .failed(let why) where failsClosed: throw request.target.forbidden(why)
        case .doesNot, .failed:
            if let owner { request.registry.admissionMetrics.webhooks.conditions.excluded(owner, request.operation) }
            return nil
        }
    }
}
