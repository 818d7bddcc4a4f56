internal import APIModel
public import PluginAPI
internal import PluginKit

/// A container runtime. Answers Version and Status, and refuses every other method by its name.
struct BegunRuntime: Runtime {
    typealias Method = @Sendable (Value) throws -> Value

    /// By name: takes the request, gives the response. Messages are values with the fields' names in the CRI protocol.
    static let methods: [String: Method] = [
        "RuntimeService/Version": { _ in
            ["version": "0.1.0", "runtime_name": "{{NAME}}", "runtime_version": "0.1.0", "runtime_api_version": "v1"]
        },
        "RuntimeService/Status": { _ in
            // The Node is not Ready while NetworkReady is false, so no Pod is sent to a runtime that could not run it.
            let notYet: Value = [
                "type": "NetworkReady", "status": false, "reason": "NotImplemented", "message": "{{NAME}} runs no Pods yet",
            ]
            return ["status": ["conditions": [["type": "RuntimeReady", "status": true], notYet]]]
        },
    ]

    /// `config` is the manifest's. A field is refused before, unless it is one of `static let settings: Set = ["…"]`, of which there are
    /// none yet.
    init(_ host: Host, config: Value) {}

    func call(_ method: String, _ request: [UInt8], timeoutMilliseconds: Int64) throws -> [UInt8] {
        let name = method.split(separator: "/").last.map(String.init) ?? ""
        guard let body = Self.methods[method], let requestType = Catalogue.cri.type(named: name + "Request"),
            let responseType = Catalogue.cri.type(named: name + "Response")
        else { throw RuntimeError(.unimplemented, "{{NAME}} has no \(method)") }
        return try Protobuf.encode(try body(try Protobuf.decode(request, as: requestType)), as: responseType)
    }
}

private let plugin = Plugin(name: "{{NAME}}", version: "0.1.0", [.runtime("{{NAME}}", BegunRuntime.self)])

/// The one symbol that the host looks for.
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
