public import APIModel
public import PluginHost

/// The runtime plugin that runs, whichever it is at the moment of a call, as the kubelet's runtime: values become CRI's protobuf messages
/// and back.
public struct PluginRuntime: Runtime {
    private let plugins: PluginHost

    public init(_ plugins: PluginHost) { self.plugins = plugins }

    /// Calls the runtime that runs. One that was swapped out between being looked up and being called refuses: then the call is for its
    /// successor.
    private func ask<R>(_ body: (RuntimePlugin) async throws(RuntimeError) -> R) async throws(RuntimeFailure) -> R {
        while true {
            guard let plugin = plugins.runtime else { throw RuntimeFailure(code: "Unavailable", message: "no runtime plugin is running") }
            do {
                return try await body(plugin)
            } catch {
                if error.code == "Canceled", let other = plugins.runtime, other !== plugin { continue }
                throw RuntimeFailure(code: error.code, message: error.message)
            }
        }
    }

    public func call(_ method: String, _ request: Value, timeout: Duration?) async throws(RuntimeFailure) -> Value {
        let name = method.drop { $0 != "/" }.dropFirst()
        let bytes = try Self.encode(request, String(name) + "Request")
        let answer = try await ask { plugin throws(RuntimeError) in try await plugin.call(method, bytes, timeout: timeout) }
        guard let type = Catalogue.cri.type(named: String(name) + "Response") else { throw Self.unknown(method) }
        do { return try Protobuf.decode(answer, as: type) } catch {
            throw RuntimeFailure(code: "Internal", message: "answer to \(method): \(error)")
        }
    }

    public func follow(
        _ changed: @escaping @Sendable (_ sandbox: String, _ container: String) -> Void,
        subscribed: @escaping @Sendable (_ isReliable: Bool) -> Void
    ) async {
        var known: (plugin: RuntimePlugin, incarnation: UInt64)?
        // The stream ends with the task.
        for await _ in plugins.changes(of: .runtime) {
            guard let plugin = plugins.runtime else {
                known = nil
                subscribed(false)
                continue
            }
            let incarnation = plugin.incarnation
            if known?.plugin === plugin, known?.incarnation == incarnation { continue }
            known = (plugin, incarnation)
            let isReliable = try? await abandonable { await plugin.subscribe(changed) }
            subscribed(isReliable ?? false)
        }
    }

    private static let requests: [RuntimeStreamKind: String] = [
        .exec: "ExecRequest", .attach: "AttachRequest", .portForward: "PortForwardRequest",
    ]

    public func open(_ kind: RuntimeStreamKind, _ request: Value) async throws(RuntimeFailure) -> any RuntimeConnection {
        guard let streamKind = StreamKind(rawValue: kind.rawValue), let type = Self.requests[kind] else { throw Self.unknown("\(kind)") }
        let bytes = try Self.encode(request, type)
        return PluginConnection(try await ask { plugin throws(RuntimeError) in try await plugin.open(streamKind, bytes) })
    }

    private static func encode(_ request: Value, _ name: String) throws(RuntimeFailure) -> [UInt8] {
        guard let type = Catalogue.cri.type(named: name) else { throw unknown(name) }
        do { return try Protobuf.encode(request, as: type) } catch { throw RuntimeFailure(code: "Internal", message: "\(name): \(error)") }
    }

    private static func unknown(_ name: String) -> RuntimeFailure {
        RuntimeFailure(code: "Unimplemented", message: "\(name) is not in the CRI protocol")
    }
}
