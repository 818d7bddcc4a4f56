import APIModel
public import Logging

/// Leads while it holds a Lease (coordination.k8s.io/v1), with the rules and times of client-go: of all candidates one leads, and when it
/// fails to renew, another takes over.
///
/// Expiry is measured on this machine's clock from the moment a change of the lease was seen, so clocks need not agree.
public struct LeaderElector: Sendable {
    public struct Times: Sendable {
        /// How long others wait, after the last change they saw, before they take the lease.
        public var lease = Duration.seconds(15)
        /// How long the leader tries to renew before it gives up leading. Shorter than `lease`.
        public var renewDeadline = Duration.seconds(10)
        public var retry = Duration.seconds(2)
        public init() {}
    }

    /// Another holds the lease now, or the API could not be reached for too long.
    public struct Lost: Error, CustomStringConvertible {
        public var lease: String
        public var description: String { "leader election lost for lease \(lease)" }
    }

    private let client: any Client
    private let namespace: String
    private let name: String
    private let identity: String
    private let times: Times
    private let log: Logger

    /// `identity` tells the candidates apart: the host's name and something unique.
    public init(client: any Client, namespace: String, name: String, identity: String, times: Times = Times(), log: Logger) {
        precondition(
            times.lease > times.renewDeadline && times.renewDeadline > times.retry,
            "a lease must outlast the deadline to renew it, and that the time between tries")
        self.client = client
        self.namespace = namespace
        self.name = name
        self.identity = identity
        self.times = times
        self.log = log
    }

    /// Waits for the lease, then runs `lead` and keeps renewing. When `lead` returns or throws, or the task is cancelled, the lease is
    /// released.
    ///
    /// - Throws: `Lost` when leadership was lost: `lead` has been cancelled and has returned by then. What `lead` throws.
    ///   `CancellationError`.
    public func run(_ lead: @escaping @Sendable () async throws -> Void) async throws {
        var observation = Observed()
        log.info("attempting to acquire leader lease", metadata: ["lease": "\(namespace)/\(name)"])
        while try await !attempt(&observation) { try await Task.sleep(for: times.retry * Double.random(in: 1..<2.2)) }
        log.info("successfully acquired lease", metadata: ["lease": "\(namespace)/\(name)"])

        let held = observation
        let result = await withTaskGroup(of: Result<Void, any Error>.self) { group in
            group.addTask { await Self.result { try await lead() } }
            group.addTask { await Self.result { try await renew(held) } }
            let result = await group.next() ?? .failure(CancellationError())
            group.cancelAll()
            return result
        }
        if case .failure(is Lost) = result {
            log.error("leader election lost", metadata: ["lease": "\(namespace)/\(name)"])
        } else {
            await release()
        }
        try result.get()
    }

    /// Returns by throwing only.
    private func renew(_ observation: Observed) async throws {
        var observation = observation
        var renewed = ContinuousClock.now
        while true {
            try await Task.sleep(for: times.retry)
            // A try that hangs must not outlast the deadline.
            let deadline = renewed + times.renewDeadline
            if let next = try await before(deadline, observation) {
                observation = next.observation
                if next.isLeader {
                    renewed = .now
                } else if next.observation.holder != identity {
                    throw Lost(lease: "\(namespace)/\(name)")
                }
            }
            if renewed + times.renewDeadline <= .now { throw Lost(lease: "\(namespace)/\(name)") }
        }
    }

    private func before(_ deadline: ContinuousClock.Instant, _ observation: Observed) async throws -> (
        observation: Observed, isLeader: Bool
    )? {
        try await withThrowingTaskGroup { group in
            group.addTask {
                var observation = observation
                let isLeader = try await attempt(&observation)
                return (observation: observation, isLeader: isLeader) as (observation: Observed, isLeader: Bool)?
            }
            group.addTask {
                try await Task.sleep(until: deadline)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// What is known of the lease, and since when.
    private struct Observed: Sendable {
        var lease: Value = .null
        var time = ContinuousClock.now

        var holder: String { lease["spec"]["holderIdentity"].string ?? "" }

        /// Notes a state of the lease; time starts anew only when it has changed.
        mutating func see(_ lease: Value) {
            if lease["spec"] != self.lease["spec"] { time = .now }
            self.lease = lease
        }
    }

    /// One try to get or renew the lease. Failures of the API count as not leading. Throws only when cancelled.
    private func attempt(_ observed: inout Observed) async throws -> Bool {
        do {
            if observed.holder != identity || observed.lease.isNull {
                do {
                    observed.see(try await client.get(.leases, namespace: namespace, name: name).value)
                } catch let error as APIError where error.reason == .notFound {
                    observed.see(try await client.create(.leases, namespace: namespace, lease(after: .null)).value)
                    return true
                }
                let duration = Duration.seconds(observed.lease["spec"]["leaseDurationSeconds"].seconds ?? 0)
                if !observed.holder.isEmpty, observed.holder != identity, observed.time + duration > .now { return false }
            }
            observed.see(try await client.update(.leases, namespace: namespace, name: name, lease(after: observed.lease)).value)
            return true
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            log.warning("leader election", metadata: ["lease": "\(namespace)/\(name)", "error": "\(error)"])
            // Somebody else has changed it: look before the next try.
            if (error as? APIError)?.reason == .conflict, let lease = try? await client.get(.leases, namespace: namespace, name: name) {
                observed.see(lease.value)
            }
            return false
        }
    }

    /// The lease held by us, as an update of what is there.
    private func lease(after current: Value) -> Value {
        var lease = current
        if current.isNull {
            lease = [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": ["name": .string(name), "namespace": .string(namespace)],
            ]
        }
        let now = Value.string(Timestamp.nowMicro())
        let isOurs = current["spec"]["holderIdentity"].string == identity
        lease["spec"]["holderIdentity"] = .string(identity)
        lease["spec"]["leaseDurationSeconds"] = .int(times.lease.components.seconds)
        lease["spec"]["renewTime"] = now
        if !isOurs { lease["spec"]["acquireTime"] = now }
        let transitions = current["spec"]["leaseTransitions"].int ?? 0
        lease["spec"]["leaseTransitions"] = .int(isOurs || current.isNull ? transitions : min(transitions + 1, Whole(Int32.max)))
        return lease
    }

    /// Lets the next candidate lead at once. Also after cancellation, for which it takes a task of its own that is awaited.
    private func release() async {
        await Task {
            do {
                var lease = try await client.get(.leases, namespace: namespace, name: name).value
                guard lease["spec"]["holderIdentity"].string == identity else { return }
                lease["spec"]["holderIdentity"] = ""
                lease["spec"]["leaseDurationSeconds"] = 1
                _ = try await client.update(.leases, namespace: namespace, name: name, lease)
            } catch {
                log.warning("failed to release lease", metadata: ["lease": "\(namespace)/\(name)", "error": "\(error)"])
            }
        }.value
    }

    private static func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
