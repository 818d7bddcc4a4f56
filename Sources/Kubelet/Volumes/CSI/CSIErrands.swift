import Logging
import Synchronization

/// What is to be done for no pod's worker, until somebody does it. Safe from any task.
final class CSIErrands: Sendable {
    private struct State {
        var arrived: Set<String> = []
        var abandoned: Set<String> = []
    }
    private let state = Mutex(State())
    /// Set when there is something.
    let wakeup = Wakeup()

    /// A driver has come: who waits for it need not wait longer.
    @Sendable func arrive(_ driver: String) {
        state.withLock { _ = $0.arrived.insert(driver) }
        wakeup.set()
    }

    /// Nobody wants these pods, and nothing runs of them.
    func abandon(_ pods: [String]) {
        if pods.isEmpty { return }
        state.withLock { $0.abandoned.formUnion(pods) }
        wakeup.set()
    }

    /// A pod's volume is gone, which may have been the last of its kind.
    func look() { wakeup.set() }

    func takeArrived() -> Set<String> {
        state.withLock { state in
            defer { state.arrived = [] }
            return state.arrived
        }
    }

    /// Those that have something still.
    func abandoned(_ hasVolumes: (_ uid: String) -> Bool) -> Set<String> {
        state.withLock { state in
            state.abandoned = state.abandoned.filter(hasVolumes)
            return state.abandoned
        }
    }
}

extension CSI {
    private enum Leftover: Hashable, Sendable {
        case pod(String)
        case device(CSIDevice)
    }

    /// Does them until cancelled. Each leftover is a task of its own: a driver that hangs holds up nobody else's.
    func runErrands(
        _ removeVolumes: @escaping @Sendable (String) async throws -> Void, _ refresh: @escaping @Sendable (String) async -> Void
    ) async {
        let underWay = UnderWay<Leftover>()
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let arrived = errands.takeArrived()
                for pod in arrived.isEmpty ? [] : ledger.waiting(for: arrived) { await refresh(pod) }
                let pods = errands.abandoned { !ledger.uses(of: $0).isEmpty }.map(Leftover.pod)
                for leftover in pods + ledger.abandoned.map(Leftover.device) where underWay.begin(leftover) {
                    group.addTask {
                        do {
                            switch leftover {
                            case .pod(let uid): try await removeVolumes(uid)
                            case .device(let device): try await unstage(device)
                            }
                        } catch {
                            if !Task.isCancelled { log.warning("\(error)") }
                        }
                        underWay.end(leftover)
                    }
                }
                await errands.wakeup.wait(until: .now + .seconds(30))
            }
        }
    }
}
