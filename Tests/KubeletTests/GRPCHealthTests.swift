import APIModel
import Testing

@testable import Kubelet

/// gRPC probes.
@Suite struct GRPCHealthTests {
    static let answers: [(HealthServer.Answer, Handler.Outcome)] = [
        (.state(1), .success), (.state(2), .failure("service unhealthy (responded with \"NOT_SERVING\")")),
        (.state(0), .failure("service unhealthy (responded with \"UNKNOWN\")")),
        (.state(9), .failure("service unhealthy (responded with \"9\")")),
        (
            .refusal(status: "12", message: "unknown service grpc.health.v1.Health"),
            .failure(
                "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health"
            )
        ),
        (.refusal(status: "5", message: "unknown"), .failure("error: health rpc probe failed: rpc error: code = NotFound desc = unknown")),
    ]

    private static func run(_ port: UInt16, timeout: Whole = 5) async -> Handler.Outcome {
        let action: Value = ["grpc": ["port": .int(Whole(port)), "service": "web"]]
        return await Handler(cri: CRI(runtime: FakeRuntime())).run(
            action, container: .null, id: "", host: "127.0.0.1", timeout: timeout, userAgent: "kube-probe/1.36")
    }

    @Test(arguments: answers) func asks(_ answer: HealthServer.Answer, _ expected: Handler.Outcome) async {
        let server = HealthServer(answer)
        let outcome = await Self.run(server.port)
        #expect(outcome == expected)
    }

    @Test func whatSpeaksSomethingElseHasFailed() async {
        let server = HealthServer(.noise)
        guard case .failure = await Self.run(server.port) else {
            Issue.record("it did not fail")
            return
        }
    }

    @Test func silenceAndAbsenceAreFailures() async {
        let silent = SilentServer()
        #expect(await Self.run(silent.port, timeout: 1) == .failure("timeout: health rpc did not complete within 1s"))
        #expect(
            await Self.run(1, timeout: 1)
                == .failure("timeout: failed to connect service \"127.0.0.1:1\" within 1s: context deadline exceeded"))
    }

    @Test(arguments: [("", []), ("web", [0x0a, 3, 0x77, 0x65, 0x62])] as [(String, [UInt8])]) func requests(
        _ service: String, _ bytes: [UInt8]
    ) {
        #expect(GRPCHealth.request(service) == bytes)
        #expect(GRPCHealth.request(String(repeating: "a", count: 300)).prefix(3) == [0x0a, 0xac, 0x02])
    }
}
