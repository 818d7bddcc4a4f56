internal import APIModel
internal import Glibc
public import PluginAPI
internal import PluginKit

/// Writes what Services want into a file, a line for each port of each Service.
struct FileProxy: ProxyBackend {
    private let file: String

    /// `config` is the manifest's. What it does not know it refuses.
    init(_ host: Host, config: Value) throws {
        try config.requireFields(["file"])
        file = config["file"].string ?? "/run/{{NAME}}.services"
    }

    /// Puts the wanted state in force, all of it or nothing: a new file is written beside the old one and takes its name.
    func sync(_ wanted: Services) throws {
        let text = wanted.ports.map { Self.line($0, wanted.endpoints(of: $0)) + "\n" }.joined()
        guard let output = fopen(file + ".new", "w") else { throw failure(file + ".new") }
        let isWritten = fputs(text, output) >= 0
        guard fclose(output) == 0, isWritten, rename(file + ".new", file) == 0 else {
            defer { unlink(file + ".new") }
            throw failure(file)
        }
    }

    /// Removes what was ever put in place; also called without a `sync` before it.
    func cleanup() throws {
        guard unlink(file) == 0 || errno == ENOENT else { throw failure(file) }
    }

    /// `tcp 10.96.0.10:53 kube-system/dns:dns-tcp -> 10.244.0.5:53 10.244.0.6:53`
    static func line(_ service: apus_service_port, _ endpoints: some Sequence<apus_endpoint>) -> String {
        let protocols: [Int32: String] = [6: "tcp", 17: "udp", 132: "sctp"]
        let port = service.port_name.string
        let name = "\(service.namespace)/\(service.name.string)\(port.isEmpty ? "" : ":\(port)")"
        let behind = endpoints.map { " " + text($0.address, $0.port) }.joined()
        return "\(protocols[service.protocol] ?? "\(service.protocol)") \(text(service.cluster_ip, service.port)) \(name) ->\(behind)"
    }

    private static func text(_ address: apus_address, _ port: UInt32) -> String {
        guard address.family != 0 else { return "none:\(port)" }
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        withUnsafeBytes(of: address.bytes) { _ = inet_ntop(address.family == 6 ? AF_INET6 : AF_INET, $0.baseAddress, &buffer, socklen_t(INET6_ADDRSTRLEN)) }
        let text = buffer.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        return address.family == 6 ? "[\(text)]:\(port)" : "\(text):\(port)"
    }

    private func failure(_ file: String) -> ComponentError { .fault("\(file): \(String(cString: strerror(errno)))") }
}

private let plugin = Plugin(name: "{{NAME}}", version: "0.1.0", [.proxy("{{NAME}}", FileProxy.self)])

/// The one symbol that the host looks for.
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
