internal import APIModel
internal import Client
internal import PluginAPI
internal import Synchronization

// From arguments to answers.
extension ObjectsService {
    /// What an `apus_object_ref` names. An empty namespace is none: cluster-scoped, or all namespaces of a list.
    struct Target: Sendable {
        let resource: GroupVersionResource
        let namespace: String?
        let name: String
        let subresource: String?

        init(_ frame: CallFrame) throws {
            let reference = frame.reference
            let text = reference.resource.string
            guard let resource = GroupVersionResource(text) else {
                throw APIError.badRequest("\"\(text)\" is not of the form group/version/plural or version/plural")
            }
            let (namespace, subresource) = (reference.namespace_.string, reference.subresource.string)
            self.resource = resource
            self.namespace = namespace.isEmpty ? nil : namespace
            self.name = reference.name.string
            self.subresource = subresource.isEmpty ? nil : subresource
        }

        var qualifiedResource: String { resource.group.isEmpty ? resource.resource : "\(resource.resource).\(resource.group)" }
    }

    func isCached(_ resource: GroupVersionResource, _ services: Services) -> Bool {
        watches(resource) && services.cache.isSynced(resource)
    }

    /// Waits, for moments at most, until the cache has what this component wrote.
    func catchUp(_ services: Services, _ resource: GroupVersionResource) throws {
        try calls.wait { [writes] in try await writes.wait(for: resource, services.cache) }
    }

    /// Writes what `body` returns, or the `Status` of what it throws.
    func answer(_ call: Call, sink: Int, _ body: (Services) throws -> [UInt8]) -> CallResult {
        let sink = call.frame.pointer(sink, to: apus_sink.self)
        do {
            sink.write(try body(try running(call.name)))
            return .status(APUS_OK)
        } catch {
            sink.write(JSON.encode(Self.refusal(error).status))
            return .status(status(of: error, call))
        }
    }

    /// Gives the sink one object after another, until it has enough.
    func deliver(_ call: Call, sink: Int, _ body: (Services) throws -> [Object]) -> CallResult {
        let sink = call.frame.pointer(sink, to: apus_object_sink.self)
        do {
            for object in try body(try running(call.name)) {
                guard object.bytes.withBorrowed({ sink.pointee.next(sink.pointee.context, $0) }) == 0 else { break }
            }
            return .status(APUS_OK)
        } catch {
            return .status(status(of: error, call))
        }
    }

    private static func refusal(_ error: any Error) -> APIError {
        if let error = error as? APIError { return error }
        if error is CancellationError { return APIError(code: 503, reason: .serviceUnavailable, message: "the plugin is being stopped") }
        return .internalError("\(error)")
    }

    /// Counts what the manifest does not grant.
    private func status(of error: any Error, _ call: Call) -> apus_status {
        if error is CancellationError { return APUS_CANCELLED }
        let refusal = Self.refusal(error)
        let status = Self.statuses[refusal.reason] ?? APUS_FAULT
        if status == APUS_FORBIDDEN { noteForbidden("\(call.name): \(refusal.message)") }
        return status
    }

    private static let statuses: [APIError.Reason: apus_status] = [
        .notFound: APUS_NOT_FOUND, .alreadyExists: APUS_ALREADY_EXISTS, .conflict: APUS_CONFLICT, .forbidden: APUS_FORBIDDEN,
        .unauthorized: APUS_FORBIDDEN,
        .invalid: APUS_INVALID, .badRequest: APUS_INVALID, .methodNotAllowed: APUS_UNSUPPORTED, .serviceUnavailable: APUS_UNAVAILABLE,
        .tooManyRequests: APUS_UNAVAILABLE,
        .serverTimeout: APUS_UNAVAILABLE,
        .timeout: APUS_UNAVAILABLE,
    ]
}

extension CallFrame {
    var reference: apus_object_ref { pointer(1, to: apus_object_ref.self).pointee }
}
