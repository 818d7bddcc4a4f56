internal import APIModel
internal import Foundation
internal import Logging
internal import Synchronization
internal import Testing

@testable import Proxy

/// What load balancers outside hear at health-check node ports, over real connections.
struct HealthCheckPortsTests {
    private static func ports(_ endpoints: [Value], port: Int64) -> [ServicePort] {
        var (slice, spec) = (ServicePortTests.slice(), ServicePortTests.plain)
        slice["endpoints"] = .array(endpoints)
        spec["externalTrafficPolicy"] = "Local"
        spec["healthCheckNodePort"] = .int(port)
        return ServicePort.ports(of: ServicePortTests.service(spec), slices: [slice], nodeName: "a")
    }

    @Test(
        arguments: [
            (
                [
                    ServicePortTests.endpoint("10.0.0.1"), ServicePortTests.endpoint("10.0.0.2"),
                    ServicePortTests.endpoint("10.0.0.3", node: "b"),
                ], 2
            ),
            ([ServicePortTests.endpoint("10.0.0.1", ready: false, serving: true, terminating: true)], 0), ([], 0),
        ] as [([Value], Int)])
    func readyEndpointsOfThisNodeCount(endpoints: [Value], count: Int) {
        #expect(HealthCheckPorts.checks(Self.ports(endpoints, port: 32000))[32000]?.endpoints.count == count)
    }

    @Test func answersWhileThereAreSuchServices() async throws {
        var log = Logger(label: "test")
        log.logLevel = .critical
        let isHealthy = Mutex(true)
        let checks = HealthCheckPorts(host: "127.0.0.1", isHealthy: { isHealthy.withLock { $0 } }, log: log)
        let serving = Task { await checks.run() }
        defer { serving.cancel() }
        let port = Int64.random(in: 33000...60000)

        checks.set(Self.ports([ServicePortTests.endpoint("10.0.0.1")], port: port))
        let here = try await Self.ask(port) { $0.hasPrefix("HTTP/1.1 200 ") }
        #expect(here.lowercased().contains("x-load-balancing-endpoint-weight: 1\r\n"))
        let body = try #require(here.components(separatedBy: "\r\n\r\n").last)
        #expect(
            try JSON.decode(Array(body.utf8)) == [
                "service": ["namespace": "default", "name": "web"], "localEndpoints": 1, "serviceProxyHealthy": true,
            ])
        isHealthy.withLock { $0 = false }
        #expect(try await Self.ask(port) { $0.hasPrefix("HTTP/1.1 503 ") }.contains("\"serviceProxyHealthy\": false"))
        isHealthy.withLock { $0 = true }
        checks.set(Self.ports([], port: port))
        #expect(try await Self.ask(port) { $0.hasPrefix("HTTP/1.1 503 ") }.contains("\"localEndpoints\": 0"))
        checks.set([])
        #expect(try await Self.ask(port) { $0.isEmpty }.isEmpty)
    }

    /// Asks until the answer is as it should be; the empty text is nobody there.
    private static func ask(_ port: Int64, until isRight: (String) -> Bool) async throws -> String {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            let answer = await withCheckedContinuation { done in
                DispatchQueue.global().async { done.resume(returning: ask(port)) }
            }
            if isRight(answer) || ContinuousClock.now > end { return answer }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private static func ask(_ port: Int64) -> String {
        let curl = Process()
        curl.executableURL = URL(filePath: "/usr/bin/env")
        curl.arguments = ["curl", "-si", "--max-time", "5", "http://127.0.0.1:\(port)/"]
        let output = Pipe()
        curl.standardOutput = output
        guard (try? curl.run()) != nil else { return "no curl" }
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        curl.waitUntilExit()
        return text
    }
}
