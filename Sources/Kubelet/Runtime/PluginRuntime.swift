public import APIModel
public import PluginHost

/// A runtime plugin as the kubelet's runtime: values become CRI's protobuf messages and back.
public struct PluginRuntime: Runtime {
    private let plugin: RuntimePlugin

    public init(_ plugin: RuntimePlugin) { self.plugin = plugin }

    public func call(_ method: String, _ request: Value, timeout: Duration?) async throws(RuntimeFailure) -> Value {
        let name = method.drop { $0 != "/" }.dropFirst()
        let bytes = try Self.encode(request, String(name) + "Request")
        let answer: [UInt8]
        do {
            answer = try await plugin.call(method, bytes, timeout: timeout)
        } catch {
            throw RuntimeFailure(code: error.code, message: error.message)
        }
        guard let type = Catalogue.cri.type(named: String(name) + "Response") else { throw Self.unknown(method) }
        do { return try Protobuf.decode(answer, as: type) } catch { throw RuntimeFailure(code: "Internal", message: "answer to \(method): \(error)") }
    }

    public func subscribe(_ changed: @escaping @Sendable (_ sandbox: String, _ container: String) -> Void) async -> Bool { await plugin.subscribe(changed) }

    private static let requests: [RuntimeStreamKind: String] = [.exec: "ExecRequest", .attach: "AttachRequest", .portForward: "PortForwardRequest"]

    public func open(_ kind: RuntimeStreamKind, _ request: Value) async throws(RuntimeFailure) -> any RuntimeConnection {
        guard let streamKind = StreamKind(rawValue: kind.rawValue), let type = Self.requests[kind] else { throw Self.unknown("\(kind)") }
        let bytes = try Self.encode(request, type)
        do {
            return PluginConnection(try await plugin.open(streamKind, bytes))
        } catch {
            throw RuntimeFailure(code: error.code, message: error.message)
        }
    }

    private static func encode(_ request: Value, _ name: String) throws(RuntimeFailure) -> [UInt8] {
        guard let type = Catalogue.cri.type(named: name) else { throw unknown(name) }
        do { return try Protobuf.encode(request, as: type) } catch { throw RuntimeFailure(code: "Internal", message: "\(name): \(error)") }
    }

    private static func unknown(_ name: String) -> RuntimeFailure { RuntimeFailure(code: "Unimplemented", message: "\(name) is not in the CRI protocol") }
}
