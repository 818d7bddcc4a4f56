import Logging

/// Puts the mandatory flows back when somebody takes them away or changes them, as upstream does, once a minute.
struct FlowControlUpkeep: Sendable {
    private static let interval: Duration = .seconds(60)

    let bootstrap: Bootstrap

    /// Until the task is cancelled.
    func run() async {
        while (try? await Task.sleep(for: Self.interval)) != nil {
            do {
                try await bootstrap.ensureFlowControl(mandatoryAlone: true)
            } catch {
                bootstrap.configuration.log.warning("the mandatory flows were not kept", metadata: ["error": "\(error)"])
            }
        }
    }
}
