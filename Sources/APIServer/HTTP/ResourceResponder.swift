import APIModel
import Client
import HTTPServer
import HTTPTypes
import Store

/// Answers requests for resources: reads what they bring, has it done, writes what they want to see.
struct ResourceResponder: Sendable {
    let registry: Registry
    let handlers: Handlers
    let watches: WatchResponder
    let body: BodyReader

    /// - Parameter seat: what a watch gives back when it has told what there is.
    func respond(_ request: Request, _ info: RequestInfo, user: UserInfo, _ audit: AuditRecord?, _ seat: Held?) async throws -> Response {
        guard let verb = Verb(rawValue: info.verb) else { throw APIError.unknownResource }
        let served = registry.served
        let target = try served.target(
            verb, GroupVersionResource(group: info.group, version: info.version, resource: info.resource),
            namespace: info.resource == "namespaces" && info.group.isEmpty ? "" : info.namespace, name: info.isNamed ? info.name : "",
            subresource: info.subresource)
        let (part, resource) = (Self.part(verb, target), target.type.groupVersionResource)
        let isHeld =
            !target.name.isEmpty
            && registry.quarantine.holds(
                .apiServer, part: part, resource, namespace: target.namespace, name: target.name, registry.store.get(target.key)?.object)
        if isHeld { return try asItIs(verb, target, part) }
        return try await InHand.with(.apiServer, part: part, resource, namespace: target.namespace, name: target.name) {
            try await respond(request, info, user: user, verb, target, served, audit, seat)
        }
    }

    /// As which part of the server's work a request is noted: `get`, `patch status`.
    private static func part(_ verb: Verb, _ target: Target) -> String {
        target.subresource.isEmpty ? verb.rawValue : "\(verb.rawValue) \(target.subresource)"
    }

    /// What there is of an object over which the process ended more than once while the same was asked of it.
    private func asItIs(_ verb: Verb, _ target: Target, _ part: String) throws -> Response {
        guard verb == .get, target.subresource.isEmpty else {
            throw APIError.internalError(
                "\(target.resource) \"\(target.name)\" is quarantined, since \(part) ended the API server more than once; change it in another way, or have it released with `apus release`"
            )
        }
        guard let record = registry.store.get(target.key) else { throw target.notFound }
        return Responses.bytes(record.bytes, type: Codec.json.contentType)
    }

    private func respond(
        _ request: Request, _ info: RequestInfo, user: UserInfo, _ verb: Verb, _ target: Target, _ served: Served, _ audit: AuditRecord?,
        _ seat: Held?
    ) async throws -> Response {
        guard request.method != .head || target.type.custom != nil || target.subresource == "proxy" else { throw APIError.methodNotAllowed }
        let accept = Accept(request.header(.accept))
        try checkRoute(request, accept, target, verb)
        if Connector.takesOver(target) {
            let context = WriteContext(registry, served: served, user: user)
            return try connected(
                try await handlers.answer(Call(verb: verb, target: target, input: .connection(request, info), context: context)))
        }
        let offer = Presentation.Offer(
            shape: Self.shapes[verb] ?? .one,
            hasProtobuf: target.type.custom == nil, goType: target.type.goType)
        let presentation = try Presentation.negotiate(accept, isPretty: Presentation.isPretty(request), offer)
        if case .table = presentation.form, target.type.verbs == ["create"] {
            throw NotAcceptable.error("the resource \(target.type.qualifiedName) does not support being converted to a Table")
        }
        let presenter = Presenter(
            storage: target.storage, presentation: presentation, catalogue: served.kinds.catalogue,
            includeObject: try IncludeObject.read(request, presentation), quarantine: registry.quarantine)
        let call = try await call(verb, target, request, served, user)
        let type = target.type
        watches.metrics.asked(for: type.groupVersionKind, RequestLabels(request, info, served))
        if let warning = type.custom.map(\.warning) ?? DeprecatedKinds.warning(type.groupVersionKind) { call.context.warn(warning) }
        defer { audit?.annotate(of: call.context) }
        audit?.received(call)
        let answer: Answer
        do {
            answer = try await handlers.answer(call)
        } catch let error as APIError where verb == .watch && error.reason == .expired {
            return try watches.expired(error, presenter)
        } catch {
            let warnings = call.context.warnings
            throw warnings.isEmpty ? error : WarnedError(error: Responses.apiError(error), warnings: warnings)
        }
        if case .watch(let source) = answer.content { return watches.respond(source, target, call.query, presenter, registry, seat) }
        let response = try await presenter.response(answer, registry)
        audit?.answers(answer, presenter)
        return Responses.withWarnings(call.context.warnings, response)
    }

    private static let shapes: [Verb: Presentation.Offer.Shape] = [
        .list: .list, .deletecollection: .list, .watch: .watch, .delete: .either,
    ]

    /// What upstream's router asks before anybody reads the request. None stands before custom kinds, nor before connections.
    private func checkRoute(_ request: Request, _ accept: Accept, _ target: Target, _ verb: Verb) throws {
        guard target.type.custom == nil else { return }
        let isLog = target.subresource == "log"
        guard isLog || !Connector.takesOver(target) else { return }
        if verb == .patch, BodyReader.patchKind(request) == nil {
            throw APIError(
                code: 415, reason: .unsupportedMediaType, message: "415: Unsupported Media Type", details: .emptyObject)
        }
        let isStreamed = verb == .list || verb == .watch
        let mediaTypes = (isLog ? ["text/plain"] : []) + Codec.mediaTypes + (isStreamed ? Codec.streams : [])
        try accept.route(produces: mediaTypes)
    }

    private func connected(_ answer: Answer) throws -> Response {
        guard case .response(let response) = answer.content else { throw APIError.internalError("a connection was not answered") }
        return response
    }

    /// The request with what its body and query say.
    private func call(_ verb: Verb, _ target: Target, _ request: Request, _ served: Served, _ user: UserInfo) async throws -> Call {
        var options = try WriteOptions(request, verb)
        func call(_ input: Call.Input) -> Call {
            Call(verb: verb, target: target, input: input, context: WriteContext(registry, served: served, user: user, options: options))
        }
        switch verb {
        case .get:
            // What there is is never older than what was seen before.
            if let version = try version(request.query("resourceVersion") ?? "") { try registry.checkReached(version) }
            return call(.none)
        case .list, .watch: return call(.query(try query(of: request, verb)))
        case .create, .update:
            let (kind, schema) = try target.bodyKind(served.kinds)
            let context = WriteContext(registry, served: served, user: user, options: options)
            let object = try await body.object(request, as: kind, schema: schema, context)
            return Call(verb: verb, target: target, input: .object(object), context: context)
        case .patch: return call(.patch(try await body.patch(request, target)))
        case .delete, .deletecollection:
            let deletion = try await body.deleteOptions(request, served.kinds)
            options.isDryRun = options.isDryRun || deletion.isDryRun
            return call(verb == .delete ? .deletion(deletion) : .deletions(try query(of: request, verb), deletion))
        }
    }

    /// Upstream takes what is no version for a fault of its own where one object is asked for.
    private func version(_ text: String) throws -> UInt64? {
        do {
            return try ListQuery.version(text)
        } catch {
            let problem =
                "resourceVersion: Invalid value: \(FieldError.quoted(text)): strconv.ParseUint: parsing \(FieldError.quoted(text))"
            throw APIError(code: 500, reason: .unknown, message: "\(problem): invalid syntax")
        }
    }

    private func query(of request: Request, _ verb: Verb) throws -> ListQuery {
        let query = try ListQuery { request.query($0) }
        try query.check(isWatch: verb == .watch)
        return query
    }
}

extension Call {
    /// What a list or a watch asks for.
    fileprivate var query: ListQuery {
        guard case .query(let query) = input else { return ListQuery() }
        return query
    }
}

extension Target {
    /// The kind that a body sent here must be, and its type.
    func bodyKind(_ kinds: Kinds) throws -> (kind: GroupVersionKind, schema: TypeSchema) {
        guard let subresource = type.subresource(subresource), subresource.kind != type.groupVersionKind else {
            return (type.groupVersionKind, type.schema.schema)
        }
        guard let schema = kinds.type(of: subresource.kind) else { throw APIError.unknownResource }
        return (subresource.kind, schema)
    }
}

extension WriteOptions {
    /// What the query of a write says.
    init(_ request: Request, _ verb: Verb) throws {
        self.init()
        let kind = verb == .create ? "CreateOptions" : verb == .update ? "UpdateOptions" : verb == .patch ? "PatchOptions" : "DeleteOptions"
        isDryRun = try Self.dryRun(request.query.filter { $0.0 == "dryRun" }.map { .string($0.1) }, kind)
        guard verb == .create || verb == .update || verb == .patch else { return }
        fieldManager = request.query("fieldManager") ?? ""
        let problems = ManagedFieldsRules.manager(fieldManager, "fieldManager")
        guard problems.isEmpty else { throw Self.invalid(kind, problems) }
        if verb == .patch {
            force = request.query("force").map(QueryFlag.isSet)
            let isApply = MediaType(request.header(.contentType) ?? "").type == PatchKind.apply.rawValue
            if isApply, fieldManager.isEmpty { throw Self.invalid(kind, [.required("fieldManager", "is required for apply patch")]) }
            if !isApply, force != nil { throw Self.invalid(kind, [.forbidden("force", "may not be specified for non-apply patch")]) }
        }
        if fieldManager.isEmpty { fieldManager = FieldManagerName.of(userAgent: request.header(.userAgent) ?? "unknown") }
        fieldValidation = .warn
        if let asked = request.query("fieldValidation"), !asked.isEmpty {
            guard let known = FieldValidation(rawValue: asked) else {
                throw Self.invalid(kind, [.notSupported("fieldValidation", .string(asked), ["", "Ignore", "Strict", "Warn"])])
            }
            fieldValidation = known
        }
    }

    /// Whether the values of `dryRun` ask for a dry run.
    static func dryRun(_ values: [Value], _ kind: String) throws -> Bool {
        guard values.allSatisfy({ $0 == "All" }) else { throw invalid(kind, [.notSupported("dryRun", .array(values), ["All"])]) }
        return !values.isEmpty
    }

    private static func invalid(_ kind: String, _ errors: [FieldError]) -> APIError {
        .invalid(group: "meta.k8s.io", kind: kind, name: "", errors: errors)
    }
}

/// What of the objects goes into the rows of a table.
enum IncludeObject {
    static func read(_ request: Request, _ presentation: Presentation) throws -> Table.IncludeObject {
        guard case .table = presentation.form else { return .metadata }
        switch request.query("includeObject") {
        case nil, "", "Metadata": return .metadata
        case "None": return .none
        case "Object": return .object
        case let other?:
            let problem = "includeObject: Invalid value: \(FieldError.quoted(other)): must be 'Metadata', 'Object', 'None', or empty"
            throw APIError.badRequest("Unable to convert to Table as requested: \(problem)")
        }
    }
}
