import Logging
import Store

/// Puts the flows that every cluster has back when somebody takes them away or changes them, as upstream does, once a minute, says within a
/// second which flows lead nowhere, and shares out the seats anew every ten.
struct FlowControlUpkeep: Sendable {
    private static let interval: Duration = .seconds(1)
    /// How many intervals lie between two looks at what must be there, and between two adjustments.
    private static let rounds = 60
    private static let adjustmentRounds = 10

    let registry: Registry
    /// `nil` where requests are only counted.
    let flows: FlowControl?
    let log: Logger

    /// Until the task is cancelled.
    func run() async {
        let (objects, status) = (FlowControlObjects(registry: registry), FlowSchemaStatus(registry: registry))
        var (seen, round): (UInt64, Int) = (0, 0)
        repeat {
            do {
                round = (round + 1) % Self.rounds
                if round % Self.adjustmentRounds == 0 { flows?.adjust() }
                if round == 0 { try await objects.keep() }
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
