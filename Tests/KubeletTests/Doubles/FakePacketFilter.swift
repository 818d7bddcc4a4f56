import Synchronization

/// Takes the place of `nft` and `conntrack`.
final class FakePacketFilter: Sendable {
    private let state = Mutex<(calls: [(arguments: [String], input: String)], status: Int32)>(([], 0))

    @Sendable func run(_ arguments: [String], _ input: String) -> (status: Int32, output: String) {
        state.withLock { state in
            state.calls.append((arguments, input))
            return (state.status, state.status == 0 ? "" : "Error: no")
        }
    }

    func refuse(_ refuses: Bool) { state.withLock { $0.status = refuses ? 1 : 0 } }
    var scripts: [String] { state.withLock { $0.calls.filter { $0.arguments[0] == "nft" }.map(\.input) } }
    var others: [String] { state.withLock { $0.calls.filter { $0.arguments[0] != "nft" }.map { $0.arguments.joined(separator: " ") } } }
}
