import APIModel
import HTTPServer
import HTTPTypes
import Store

/// Answers requests for resources: reads what they bring, has it done, writes what they want to see.
struct ResourceResponder: Sendable {
    let operations: Operations
    let connector: Connector
    let watches: WatchResponder
    let body: BodyReader

    private var registry: Registry { operations.registry }

    func respond(_ request: Request, _ info: RequestInfo, user: UserInfo) async throws -> Response {
        let resource = GroupVersionResource(group: info.group, version: info.version, resource: info.resource)
        let namespace = info.resource == "namespaces" && info.group.isEmpty ? "" : info.namespace
        let (type, subresource) = try operations.resolve(
            resource, namespace: namespace, name: info.isNamed ? info.name : "", subresource: info.subresource, verb: info.verb)
        if Connector.subresources.contains(info.subresource) { return try await connector.respond(request, info) }
        let presentation = try Presentation.negotiate(accept: request.headers[.accept], pretty: request.query("pretty"))
        switch info.verb {
        case "get":
            return try present(
                try await operations.get(type, namespace: namespace, name: info.name, subresource: info.subresource), type, presentation,
                request)
        case "list" where resource == ComponentStatuses.resource: return try await components(type, presentation, request)
        case "list":
            let list = try registry.list(try collection(type, namespace), try ListQuery { request.query($0) })
            return try presenter(type, presentation, request).response(list)
        case "watch":
            var target = try collection(type, namespace)
            if info.isNamed { target.name = info.name }
            return try watches.respond(target, try ListQuery { request.query($0) }, try presenter(type, presentation, request))
        case "create", "update": return try await write(request, info, type, subresource, namespace, presentation, user)
        case "patch":
            let write = try self.write(request, user)
            let patch = try await body.patch(
                request, FieldChecks(mode: try FieldChecks.mode(request.query("fieldValidation")), write: write))
            let answer = try await operations.patch(
                type, namespace: namespace, name: info.name, subresource: info.subresource, patch, write)
            return Responses.withWarnings(write.warnings, try present(answer, type, presentation, request))
        case "delete", "deletecollection": return try await delete(request, info, type, namespace, presentation, user)
        default: throw Operations.unknownResource
        }
    }

    private func collection(_ type: ResourceType, _ namespace: String) throws -> Target {
        try operations.target(type, namespace: namespace, name: "")
    }

    private func write(_ request: Request, _ user: UserInfo) throws -> Write {
        let isDryRun = try BodyReader.dryRun(request.query.filter { $0.name == "dryRun" }.map(\.value))
        return Write(registry, user: user, effect: isDryRun ? .dryRun : .commit)
    }

    private func write(
        _ request: Request, _ info: RequestInfo, _ type: ResourceType, _ subresource: ResourceType.Subresource?, _ namespace: String,
        _ presentation: Presentation,
        _ user: UserInfo
    ) async throws -> Response {
        let write = try write(request, user)
        let kind = subresource?.kind ?? type.groupVersionKind
        guard let schema = subresource == nil ? type.schema.schema : registry.catalogue.type(of: kind) else {
            throw Operations.unknownResource
        }
        let checks = FieldChecks(mode: try FieldChecks.mode(request.query("fieldValidation")), write: write)
        let object = try await body.object(request, as: kind, schema: schema, checks)
        let answer =
            info.verb == "create"
            ? try await operations.create(type, namespace: namespace, name: info.name, subresource: info.subresource, object, write)
            : try await operations.update(type, namespace: namespace, name: info.name, subresource: info.subresource, object, write)
        return Responses.withWarnings(write.warnings, try present(answer, type, presentation, request))
    }

    private func delete(
        _ request: Request, _ info: RequestInfo, _ type: ResourceType, _ namespace: String, _ presentation: Presentation, _ user: UserInfo
    ) async throws -> Response {
        let (options, isDryRun) = try await body.deleteOptions(request)
        let write = Write(registry, user: user, effect: isDryRun ? .dryRun : .commit)
        guard info.verb == "deletecollection" else {
            return try present(
                try await registry.delete(operations.target(type, namespace: namespace, name: info.name), options, write), type,
                presentation, request)
        }
        let deleted = try await registry.deleteCollection(
            try collection(type, namespace), try ListQuery { request.query($0) }, options, write)
        return try presenter(type, presentation, request).response(deleted)
    }

    private func components(_ type: ResourceType, _ presentation: Presentation, _ request: Request) async throws -> Response {
        let list: Value = [
            "kind": "ComponentStatusList", "apiVersion": "v1", "metadata": .emptyObject,
            "items": .array(await operations.components.list()),
        ]
        return Responses.withWarnings(
            ["v1 ComponentStatus is deprecated in v1.19+"],
            try VirtualPresenter(type: type, presentation: presentation, catalogue: registry.catalogue).response(list: list))
    }

    private func presenter(_ type: ResourceType, _ presentation: Presentation, _ request: Request) throws -> Presenter {
        guard let storage = registry.storage(type.groupVersionResource) else { throw Operations.unknownResource }
        return Presenter(
            storage: storage, presentation: presentation, catalogue: registry.catalogue, includeObject: try IncludeObject.read(request))
    }

    private func present(_ answer: Answer, _ type: ResourceType, _ presentation: Presentation, _ request: Request) throws -> Response {
        if case .value(let value) = answer.content {
            return try VirtualPresenter(type: type, presentation: presentation, catalogue: registry.catalogue).response(
                value, code: answer.code)
        }
        return try presenter(type, presentation, request).response(answer)
    }
}

/// What of the objects goes into the rows of a table.
enum IncludeObject {
    static func read(_ request: Request) throws -> Table.IncludeObject {
        switch request.query("includeObject") {
        case nil, "", "Metadata": return .metadata
        case "None": return .none
        case "Object": return .object
        case let other?:
            throw APIError.badRequest("unrecognized includeObject value: \"\(other)\"")
        }
    }
}

/// Writes what is not stored: reviews, scales, statuses.
struct VirtualPresenter: Sendable {
    var type: ResourceType
    var presentation: Presentation
    var catalogue: Catalogue

    func response(_ value: Value, code: Int) throws -> Response {
        var shown = value
        if case .table(let version) = presentation.form, value["kind"].string == type.kind {
            shown = Table.render([value], resource: type, includeObject: .metadata, listMetadata: .emptyObject, now: Clock.seconds)
            shown["apiVersion"] = .string("meta.k8s.io/\(version)")
        }
        return Responses.bytes(try encode(shown), type: presentation.codec.contentType, code: code)
    }

    func response(list: Value) throws -> Response {
        guard case .table(let version) = presentation.form else {
            return Responses.bytes(try encode(list), type: presentation.codec.contentType)
        }
        var table = Table.render(
            list["items"].elements, resource: type, includeObject: .metadata, listMetadata: list["metadata"], now: Clock.seconds)
        table["apiVersion"] = .string("meta.k8s.io/\(version)")
        return Responses.bytes(try encode(table), type: presentation.codec.contentType)
    }

    private func encode(_ value: Value) throws -> [UInt8] {
        switch presentation.codec {
        case .json: presentation.isPretty ? JSON.encodePretty(value) : JSON.encode(value)
        case .yaml: Array(YAML.encode(value).utf8)
        case .protobuf: try Protobuf.encodeUnknown(value, catalogue: catalogue)
        }
    }
}
