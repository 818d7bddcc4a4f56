public import APIModel
public import Client
import Exposition
public import HTTPServer
import HTTPTypes
import Logging
import Store

/// The Kubernetes API over one store: authenticates, authorizes, admits, validates, commits, and lets others watch.
///
/// `start` once, then `respond(to:)` from an HTTP server and `client(as:)` for the loops of this process, both from any task; `run` for as
/// long as the server serves.
public final class APIServer: Responder {
    /// Rules that the process gives to users beside those in the store.
    public let grants: Grants

    let configuration: Configuration
    let registry: Registry
    let handlers: Handlers
    let authorizer: AuthorizerChain
    /// How kubelets are trusted and which certificate they are shown.
    public let kubeletTLS: ChangingTLS
    /// What aggregated servers are shown.
    public let frontProxyTLS: ChangingTLS
    private let authentication: Authentication
    private let authenticationMetrics = AuthenticationMetrics()
    private let impersonation: Impersonation
    private let resources: ResourceResponder
    private let endpoints: Endpoints
    private let metrics = Metrics()
    private let customKinds: CustomKinds
    let aggregation: Aggregation
    /// `nil` where requests are only counted.
    let flows: FlowControl?
    private let inProgress: RequestsInProgress
    private let tokenUses = SecretTokenUses()

    /// How often files are looked at that may change.
    private static let interval = Duration.seconds(10)

    public init(_ configuration: Configuration) {
        self.configuration = configuration
        configuration.store.use(StoredTerms(configuration.kinds.catalogue))
        grants = Grants()
        let rbac = RBACAuthorizer(store: configuration.store)
        let authorizer = AuthorizerChain(
            first: [MastersAuthorizer(), grants] + configuration.authorizers,
            modes: [
                .alwaysAllow: ConstantAuthorizer.allow, .alwaysDeny: ConstantAuthorizer.deny,
                .node: NodeAuthorizer(store: configuration.store), .rbac: rbac,
            ], configuration.authorization)
        self.authorizer = authorizer
        impersonation = Impersonation(authorizer)
        kubeletTLS = ChangingTLS(configuration.kubelet)
        frontProxyTLS = ChangingTLS(configuration.frontProxy)
        let seats = configuration.limits.reads + configuration.limits.writes
        flows = configuration.hasPriorityAndFairness ? FlowControl(store: configuration.store, seats: seats) : nil
        inProgress = RequestsInProgress(limits: configuration.limits)
        let body = BodyReader(limit: configuration.limits.bodySize)
        let signer = TokenSigner(
            key: configuration.serviceAccountKey, issuer: configuration.issuer, formerIssuers: configuration.formerIssuers,
            audiences: configuration.audiences, longestLifetime: configuration.longestTokenLifetime,
            extendsThoseOfPods: configuration.extendsTokensOfPods)
        authentication = Authentication(
            configuration, accounts: ServiceAccountTokens(signer: signer, store: configuration.store, uses: tokenUses),
            metrics: authenticationMetrics)
        let webhooks = WebhookClient(isReachable: configuration.isProxyable)
        registry = Registry(
            kinds: configuration.kinds, store: configuration.store,
            services: ServiceAllocator(
                ranges: configuration.serviceRanges, nodePorts: configuration.nodePorts, store: configuration.store),
            tokens: signer,
            rbac: rbac, authorizer: authorizer,
            admission: Admission.members(configuration.admission, webhooks: webhooks, source: configuration.admissionSource),
            webhooks: webhooks, rootCA: configuration.rootCA,
            validators: configuration.validators,
            selectorLimit: configuration.limits.requirements, quarantine: configuration.quarantine,
            encryption: configuration.encryption, log: configuration.log)
        let connector = Connector(
            registry: registry, kubelet: kubeletTLS,
            backends: Backends(registry: registry, kubeletHosts: configuration.kubeletHosts, isReachable: configuration.isProxyable),
            body: body)
        handlers = Handlers([
            StoredHandlers.table, PodBinding.handlers, PodEviction.handlers, Scale.handlers, ServiceAccountToken.handlers,
            AccessReviews(authorizer: authorizer, authenticator: authentication).handlers,
            ComponentStatuses(checks: configuration.components).handlers,
            connector.handlers, ResourceMetrics(registry, connector, summaries: configuration.summaries).handlers,
        ])
        resources = ResourceResponder(
            registry: registry, handlers: handlers, watches: WatchResponder(metrics: metrics), body: body)
        customKinds = CustomKinds(registry)
        aggregation = Aggregation(registry, connector: connector, frontProxy: frontProxyTLS)
        let sources: [(any MetricsSource)?] = [
            BuildMetrics(version: configuration.version), flows, authenticationMetrics, tokenUses.metrics, impersonation.metrics,
            registry.admissionMetrics, registry.storageMetrics, ExpressionMetrics.shared, configuration.audit?.metrics,
            configuration.encryption.map { _ in EncryptionMetrics.shared },
            authorizer.metrics, configuration.issuedTokens?.metrics,
        ]
        endpoints = Endpoints(configuration, registry, aggregation, metrics, sources.compactMap(\.self), flows)
    }

    /// Takes up what the store has and adds what every cluster starts with. Before the first request.
    /// - Throws: `APIError` when the store cannot be written.
    public func start() async throws {
        try await registry.services.repair(except: configuration.quarantine)
        try await Bootstrap(registry: registry, configuration: configuration).run()
        try await customKinds.start()
    }

    /// What the server does without being asked: events expire, custom kinds come and go, and the flows that every cluster needs come back.
    /// Returns when the task is cancelled.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await EventExpiry(registry: self.registry, lifetime: self.configuration.eventLifetime).run() }
            group.addTask { await self.customKinds.run() }
            group.addTask { await self.aggregation.run() }
            group.addTask { await LocalServices(registry: self.registry).run() }
            group.addTask { await self.tokenUses.run(self.registry) }
            if let path = self.configuration.authorizationFile {
                group.addTask { await self.authorizer.reload(path, every: Self.interval, log: self.configuration.log) }
            }
            for backend in self.configuration.audit?.backends ?? [] { group.addTask { await backend.run() } }
            if let flows = self.flows { group.addTask { await flows.run() } }
            group.addTask {
                await FlowControlUpkeep(registry: self.registry, flows: self.flows, log: self.configuration.log).run()
            }
        }
    }

    /// The API for a loop of this process, acting as `user` and authorized as such.
    public func client(as user: String, groups: [String] = []) -> any Client {
        InProcessClient(server: self, user: UserInfo(name: user, groups: groups).authenticated)
    }

    /// The `APIResourceList` of a group and version that an aggregated server answers for.
    /// - Throws: `APIError`.
    public func listing(of version: GroupVersion) async throws -> Value {
        try await WireClient(AggregationCarrier(server: self, user: Aggregation.itself)).value(at: "/apis/\(version)")
    }

    /// A client was to begin TLS and did not bring it to an end.
    public func handshakeFailed() { authenticationMetrics.handshakeFailed() }

    public func respond(to request: Request) async -> Response {
        let response = if let preflight = configuration.browsers.preflight(request) { preflight } else { await serve(request) }
        return configuration.browsers.told(in: response, to: request)
    }

    private func serve(_ request: Request) async -> Response {
        let begin = ContinuousClock.now
        let received = AuditEvent.Moment.now
        let info: RequestInfo
        let sort: RequestsInProgress.Sort
        let patience: Duration?
        do throws(APIError) {
            info = try RequestInfo(request)
            sort = RequestsInProgress.Sort(info)
            patience = try sort == .lasting ? nil : RequestTimeout.of(request)
        } catch {
            return Responses.error(error, to: request, registry.served.kinds.catalogue)
        }
        metrics.began(sort)
        let (result, course) = await result(of: request, info, sort, received, patience)
        var response: Response
        switch result {
        case .success(let answer): response = answer
        case .failure(let error):
            let warnings = (error as? WarnedError)?.warnings ?? []
            let error = Responses.apiError(error)
            course.audit?.failed(error)
            if error.code >= 500 {
                configuration.log.error(
                    "request failed", metadata: ["verb": "\(info.verb)", "path": "\(info.path)", "error": "\(error.message)"])
            }
            let kinds = registry.served.kinds
            response =
                error == .unknownResource && !Endpoints.isRouted(info.path, kinds)
                ? Responses.pageNotFound : Responses.withWarnings(warnings, Responses.error(error, to: request, kinds.catalogue))
        }
        if !course.warnings.isEmpty { response = Responses.withWarnings(course.warnings, response) }
        if let flow = course.flow { response = flow.named(in: response) }
        if let audit = course.audit { response = await audit.finish(response, isLasting: sort == .lasting) }
        let labels = RequestLabels(request, info, registry.served)
        metrics.ended(
            sort, labels, code: response.code, client: RequestLabels.component(request), duration: ContinuousClock.now - begin,
            bytes: response.size)
        if sort == .lasting {
            response = metrics.lasting(labels).held(by: response)
            if info.verb == "watch", let watch = flows?.watches.began(info) { response = watch.held(by: response) }
        }
        return request.method == .head ? response.withoutBody : await Compression.applied(to: response, for: request)
    }

    /// Answers, or breaks off when the client waits no longer.
    private func result(
        of request: Request, _ info: RequestInfo, _ sort: RequestsInProgress.Sort, _ received: AuditEvent.Moment, _ patience: Duration?
    ) async -> (Result<Response, any Error>, Course) {
        @Sendable func run() async -> (Result<Response, any Error>, Course) {
            var course = Course(received: received)
            do {
                let response = try await answer(request, info, sort, &course)
                return (.success(response), course)
            } catch {
                return (.failure(error), course)
            }
        }
        guard let patience, let (ended, isCancelled) = await RequestTimeout.limit(patience, run) else { return await run() }
        if isCancelled, case .failure = ended.0 { return (.failure(RequestTimeout.isOver), ended.1) }
        return ended
    }

    /// What becomes known of a request on its way, whatever becomes of it.
    private struct Course: Sendable {
        var received: AuditEvent.Moment
        /// What it belongs to, once it is known who sent it.
        var flow: Flow?
        var audit: AuditRecord?
        /// Of its credentials.
        var warnings: [String] = []
    }

    private func answer(
        _ request: Request, _ info: RequestInfo, _ sort: RequestsInProgress.Sort, _ course: inout Course
    ) async throws -> Response {
        let real: UserInfo
        var remarks = TokenRemarks()
        defer { course.warnings = remarks.warnings }
        do {
            real = try await authenticate(request, &remarks)
            if real.name == UserInfo.anonymous.name, !configuration.anonymous.admits(info.path) { throw Authentication.unauthorized }
        } catch {
            course.audit = configuration.audit?.record(request, info, user: nil, received: course.received)
            course.audit?.annotate(remarks.annotations)
            throw error
        }
        course.audit = configuration.audit?.record(request, info, user: real, received: course.received)
        course.audit?.annotate(remarks.annotations)
        try await course.audit?.begin()
        let role = try await impersonation.apply(request.headers, real: real, info)
        if let role { course.audit?.impersonates(role) }
        let user = role?.user ?? real
        // Whoever acts as others is still one.
        let place = try place(for: real, sort)
        let seat = try await seat(for: user, request, info, sort, &course)
        defer { withExtendedLifetime(seat) {} }
        let response = try await answer(request, info, user, course.audit, seat)
        // A watch gives its seat back itself.
        let seated = info.verb == "watch" ? response : seat?.held(by: response) ?? response
        return place?.held(by: seated) ?? seated
    }

    private func authenticate(_ request: Request, _ remarks: inout TokenRemarks) async throws -> UserInfo {
        let begin = ContinuousClock.now
        do {
            let user = try await authentication.user(of: request, &remarks)
            authenticationMetrics.authenticated(.success, as: user.name, since: begin)
            return user
        } catch {
            authenticationMetrics.authenticated(.error, since: begin)
            throw error
        }
    }

    /// One among those that last, or of all where there is no priority and fairness. Administrators get in whatever goes on.
    private func place(for user: UserInfo, _ sort: RequestsInProgress.Sort) throws -> Held? {
        guard flows == nil || sort == .lasting, !user.groups.contains("system:masters") else { return nil }
        return try inProgress.take(user.name, sort)
    }

    /// Where the request belongs, and a seat there. What lasts takes none; a watch, until it has told what there is.
    private func seat(
        for user: UserInfo, _ request: Request, _ info: RequestInfo, _ sort: RequestsInProgress.Sort, _ course: inout Course
    ) async throws -> Held? {
        guard let flows, sort != .lasting || info.verb == "watch" else { return nil }
        let flow = flows.flow(of: user, info)
        course.flow = flow
        return try await flows.enter(flow, user, info, request)
    }

    private func answer(
        _ request: Request, _ info: RequestInfo, _ user: UserInfo, _ audit: AuditRecord?, _ seat: Held?
    ) async throws -> Response {
        try await authorize(user, info, audit)
        if let service = aggregation.service(for: info) { return try await aggregation.respond(request, to: service, user: user) }
        if info.isResource { return try await resources.respond(request, info, user: user, audit, seat) }
        if let response = try await aggregation.openAPI(request, path: info.path) { return response }
        guard let response = try await endpoints.respond(request, info) else { throw APIError.unknownResource }
        return response
    }

    private func authorize(_ user: UserInfo, _ info: RequestInfo, _ audit: AuditRecord?) async throws {
        if configuration.anonymous == .healthAndVersion, user.name == UserInfo.anonymous.name, Endpoints.isPublic(info.path) { return }
        let attributes = Attributes(user: user, info)
        let begin = ContinuousClock.now
        let decision = await authorizer.authorize(attributes)
        authenticationMetrics.authorized(decision, since: begin)
        audit?.annotate(decision.auditAnnotations)
        try decision.require(attributes)
    }

    func authorize(_ attributes: Attributes) async throws { try await authorizer.require(attributes) }
}

extension Response {
    /// What answers a HEAD.
    var withoutBody: Response {
        guard case .full(let status, let headers, _) = self else { return self }
        return .full(status: status, headers: headers, body: [])
    }
}
