import APIModel
import TestSupport
import Testing

@testable import Kubelet

/// A disk that is full when a pod is to start.
@Suite struct FullDiskTests {
    /// The runtime's.
    @Test func anImageThatDoesNotFitIsWaitedFor() async throws {
        let words = "No space left on device"
        let bench = Bench()
        bench.runtime.fail("PullImage", RuntimeFailure(code: "Unknown", message: "failed to write layer: \(words)"))
        try await bench.run {
            bench.client.put(.pods, makePod(spec: ["containers": [["name": "web", "image": "new:1"]]]))
            let status = try await bench.wait("it says why") {
                $0["containerStatuses"][0][path: "state", "waiting", "message"].string?.contains(words) == true
            }
            #expect(status["phase"].string == "Pending")
            #expect(bench.events.reasons(saying: words).contains("Failed"))
        }
    }
}
