import APIModel
import Client
import Testing

@Suite(.serialized) struct StopTests {
    /// The cache ends while controllers wait for it to show what they have just written: stopping must not wait for that.
    @Test(.timeLimit(.minutes(1)), arguments: 0..<12) func endsInTheMiddleOfWork(_ run: Int) async throws {
        try await Cluster.with { cluster in
            for number in 0..<4 {
                _ = try await cluster.client.create(.deployments, namespace: "default", deployment("web\(number)", replicas: 5))
            }
            try await cluster.wait(for: .pods, "some Pods") { $0.count > run }
        }
    }
}
