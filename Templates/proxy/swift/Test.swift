internal import APIModel
internal import Glibc
internal import PluginAPI
internal import PluginKit

/// The proxy with one Service of two endpoints.
@main
struct Test {
    static func main() throws {
        let host = TestHost()
        let proxy = try FileProxy(host.host, config: ["file": "build/services"])

        try proxy.cleanup()
        try withServices { try proxy.sync($0) }
        check(output() == "tcp 10.96.0.10:80 default/web:http -> 10.244.0.5:8080 [fd00::1]:8080\n", "the file has one line")
        try proxy.cleanup()
        check(output() == nil, "the file is gone")

        do {
            _ = try FileProxy(host.host, config: ["size": 3])
            check(false, "an unknown setting is refused")
        } catch {
            check("\(error)".contains("config.size"), "the refusal names the setting")
        }
        print("test: ok")
    }

    /// Lends one Service, as the host would.
    static func withServices(_ body: (Services) throws -> Void) throws {
        var endpoints = [apus_endpoint(), apus_endpoint()]
        endpoints[0].address.family = 4
        withUnsafeMutableBytes(of: &endpoints[0].address.bytes) { $0.copyBytes(from: [10, 244, 0, 5]) }
        endpoints[1].address.family = 6
        withUnsafeMutableBytes(of: &endpoints[1].address.bytes) { $0.copyBytes(from: [0xfd] + [UInt8](repeating: 0, count: 14) + [1]) }
        for index in endpoints.indices { endpoints[index].port = 8080 }
        try "default".withBorrowed { namespace in
            try "web".withBorrowed { name in
                try "http".withBorrowed { port in
                    var service = apus_service_port()
                    (service.namespace_, service.name, service.port_name) = (namespace, name, port)
                    (service.protocol, service.port, service.endpoint_count) = (6, 80, 2)
                    service.cluster_ip.family = 4
                    withUnsafeMutableBytes(of: &service.cluster_ip.bytes) { $0.copyBytes(from: [10, 96, 0, 10]) }
                    try endpoints.withUnsafeBufferPointer { endpoints in
                        try withUnsafePointer(to: service) { service in
                            var wanted = apus_services()
                            (wanted.services, wanted.service_count, wanted.generation) = (service, 1, 1)
                            (wanted.endpoints, wanted.endpoint_count) = (endpoints.baseAddress, 2)
                            try withUnsafePointer(to: wanted) { try body(Services($0)) }
                        }
                    }
                }
            }
        }
    }

    static func output() -> String? {
        guard let file = fopen("build/services", "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    static func check(_ condition: Bool, _ what: String, line: Int = #line) {
        guard condition else { fatalError("line \(line): not so: \(what)") }
    }
}
