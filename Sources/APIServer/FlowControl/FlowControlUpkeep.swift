import Logging
import Store

/// Puts the mandatory flows back when somebody takes them away or changes them, as upstream does, once a minute, says within a second which
/// flows lead nowhere, and shares out the seats anew every ten.
struct FlowControlUpkeep: Sendable {
    private static let interval: Duration = .seconds(1)
    /// How many intervals lie between two looks at what is mandatory.
    private static let rounds = 60

    private static let adjustmentRounds = 10

    let bootstrap: Bootstrap
    /// `nil` where requests are only counted.
    let flows: FlowControl?

    /// Until the task is cancelled.
    func run() async {
        let (registry, log) = (bootstrap.registry, bootstrap.configuration.log)
        let status = FlowSchemaStatus(registry: registry)
        var (seen, round): (UInt64, Int) = (0, 0)
        repeat {
            do {
                round = (round + 1) % Self.rounds
                if round % Self.adjustmentRounds == 0 { flows?.adjust() }
                if round == 0 { try await bootstrap.ensureFlowControl(mandatoryAlone: true) }
                // Looked at before the objects are, so that one that comes in between is seen the next time.
                let change = registry.store.newestChange(in: FlowSchemaStatus.collections)
                if change != seen { try await status.keep() }
                seen = change
            } catch {
                log.warning("the flows were not kept", metadata: ["error": "\(error)"])
            }
        } while (try? await Task.sleep(for: Self.interval)) != nil
    }
}
