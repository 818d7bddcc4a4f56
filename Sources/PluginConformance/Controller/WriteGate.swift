internal import APIModel
internal import Client
internal import Synchronization

/// Counts what the controller under test writes, and makes writes fail or hang as a check asks.
final class WriteGate: Sendable {
    enum Mode: Sendable {
        case open
        /// The next change of an object that is there is refused as if somebody else had been faster.
        case conflictOnce
        /// Every write is refused as if the manifest did not grant it.
        case forbidden
        /// Every write waits until it is cancelled.
        case hanging
    }

    private struct State {
        var mode = Mode.open
        var written: [String] = []
        var refused: [String] = []
    }
    private let state = Mutex(State())
    private let (hanging, hangs) = AsyncStream.makeStream(of: Void.self)

    /// Writes that the API took, as `update v1/namespaces x`.
    var written: [String] { state.withLock { $0.written } }
    /// Writes that the gate did not let through.
    var refused: [String] { state.withLock { $0.refused } }

    func set(_ mode: Mode) { state.withLock { $0.mode = mode } }

    /// Returns when a write hangs, or with `false` when none is to be expected any more.
    func waitForHanging() async -> Bool {
        for await _ in hanging { return true }
        return false
    }

    func expectNoMore() { hangs.finish() }

    /// - Throws: what the mode says, instead of the write.
    fileprivate func pass(_ write: ForwardedWrite, _ what: String) async throws {
        let isChange = write.verb == .update || write.verb == .patch
        let mode = state.withLock { state -> Mode in
            // Nobody can be faster with an object that is not there yet, or is to go.
            if state.mode == .open || state.mode == .conflictOnce && !isChange { return .open }
            state.refused.append(what)
            defer { if state.mode == .conflictOnce { state.mode = .open } }
            return state.mode
        }
        switch mode {
        case .open: return
        case .conflictOnce:
            throw APIError.conflict(
                write.resource.resource, write.name,
                "the object has been modified; please apply your changes to the latest version and try again")
        case .forbidden: throw APIError.forbidden(write.resource.resource, write.name, "the conformance suite lets nothing through")
        case .hanging:
            hangs.yield()
            try await Task.sleep(for: .seconds(3600))
        }
    }

    fileprivate func note(_ what: String) { state.withLock { $0.written.append(what) } }
}

/// The API with a gate before the writes of one user.
struct GatedClient: ForwardingClient {
    let base: any Client
    private let gate: WriteGate
    private let gatedUser: String
    private let isGated: Bool

    init(_ base: any Client, gate: WriteGate, user: String) { self.init(base, gate: gate, user: user, isGated: false) }

    private init(_ base: any Client, gate: WriteGate, user: String, isGated: Bool) {
        self.base = base
        self.gate = gate
        gatedUser = user
        self.isGated = isGated
    }

    func write<Answer: Sendable>(_ write: ForwardedWrite, _ send: () async throws -> Answer) async throws -> Answer {
        guard isGated else { return try await send() }
        let what = "\(write.verb) \(write.resource)\(write.subresource.map { "/" + $0 } ?? "") \(write.name)"
        try await gate.pass(write, what)
        let answer = try await send()
        gate.note(what)
        return answer
    }

    func impersonating(_ user: String, groups: [String]) -> any Client {
        GatedClient(base.impersonating(user, groups: groups), gate: gate, user: gatedUser, isGated: user == gatedUser)
    }
}
