public import APIModel
internal import Glibc
internal import KernelNetwork
public import PluginKit
internal import Synchronization

/// Has the kernel's packet filter let through between pods what NetworkPolicies say, and nothing else.
///
/// Rules: the API's `networking.k8s.io/v1`. What the node itself sends and gets always passes, kubelet's probes and pods of its network
/// among it; so do answers, and a pod's packets to itself. Without a policy nothing is in the kernel. Rules that somebody else took away
/// are put back when it looks next, within 20 s.
public final class NetworkPolicyController: Controller {
    /// In seconds.
    private static let patience: Whole = 20
    private static let policies = GroupVersionResource(group: "networking.k8s.io", version: "v1", resource: "networkpolicies")

    public static let settings: Set<String> = ["node", "checkSeconds", "table"]

    private struct State: ~Copyable {
        var tables: NFTables
        /// One for each family.
        var plans: [PolicyPlan]
        /// Whether everything there was has been read.
        var isComplete = false
        /// Of each plan, whether it is in the kernel; `nil` where that is not known.
        var isInForce: [Bool?]
        /// The key that comes again and again, to look whether the rules are still there.
        var keeper: Key?
        /// Whether it was switched off: what comes now is too late.
        var isOver = false
    }

    private let objects: Objects
    private let log: Log
    private let node: String?
    private let table: String
    private let patience: Whole
    private let state: Mutex<State>

    /// - Parameter config: `node`, the name of the one whose pods are looked after; without it every pod is taken for one of this node.
    ///   `checkSeconds`: how often to look whether the rules are still there. `table`: the table's name, another for each cluster of the
    ///   machine.
    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        log = host.log
        node = config["node"].string
        patience = try config.setting("checkSeconds", in: 1...3600, default: Self.patience)
        table = config["table"].string ?? "apus-policy"
        let plans = Self.plans(table: table)
        state = Mutex(State(tables: try NFTables(), plans: plans, isInForce: plans.map { _ in nil }))
    }

    public func start() throws {
        // Without the module what goes from one pod to another over the node's bridge is never seen.
        if access("/proc/sys/net/bridge/bridge-nf-call-iptables", F_OK) != 0 {
            log.warning("the kernel's br_netfilter is missing: NetworkPolicies do not hold between pods of one node")
        }
    }

    public func map(resource: String, before: Value, after: Value) -> [Key] {
        [Key(after.isNull ? before : after, of: resource)]
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        try state.withLock { state in
            guard !state.isOver else { return .done }
            if state.isComplete { try read(key, into: &state.plans) } else { try readAll(&state) }
            if state.keeper == nil { state.keeper = key }
            if state.keeper == key { try look(&state) }
            try putInForce(&state)
            return state.keeper == key ? .doneCheckAgain(afterMilliseconds: patience * 1000) : .done
        }
    }

    public func cleanup() throws {
        try state.withLock { state in
            state.isOver = true
            try state.tables.run(state.plans.map(\.table.removal).joined())
        }
    }

    // MARK: What is wanted

    /// A plan for each family that the kernel has.
    private static func plans(table: String) -> [PolicyPlan] {
        let families: [IPFamily] = access("/proc/net/if_inet6", F_OK) == 0 ? [.ipv4, .ipv6] : [.ipv4]
        return families.map { PolicyPlan(table: table, $0) }
    }

    private func readAll(_ state: inout State) throws {
        var plans = Self.plans(table: table)
        let (namespaces, pods) = (try objects.list(.namespaces), try objects.list(.pods))
        // One that cannot be read must not keep the others from being heeded: its own key says what is wrong.
        let policies = try objects.list(Self.policies).compactMap { policy in (try? Policy(policy)).map { (PolicyPlan.Key(policy), $0) } }
        for index in plans.indices {
            for namespace in namespaces {
                plans[index].setNamespace(namespace["metadata"]["name"].string ?? "", labels: namespace["metadata"]["labels"].strings)
            }
            for pod in pods { plans[index].setPod(PolicyPlan.Key(pod), PolicyPod(pod, plans[index].family, node: node)) }
            for (key, policy) in policies { plans[index].setPolicy(key, policy) }
        }
        state.plans = plans
        state.isComplete = true
    }

    private func read(_ key: Key, into plans: inout [PolicyPlan]) throws {
        let name = PolicyPlan.Key(namespace: key.namespace, name: key.name)
        switch key.resource {
        case Self.policies.description:
            let policy = try objects.get(Self.policies, namespace: key.namespace, name: key.name).map { try Policy($0) }
            for index in plans.indices { plans[index].setPolicy(name, policy) }
        case GroupVersionResource.pods.description:
            let pod = try objects.get(.pods, namespace: key.namespace, name: key.name)
            for index in plans.indices { plans[index].setPod(name, pod.flatMap { PolicyPod($0, plans[index].family, node: node) }) }
        default:
            let labels = try objects.get(.namespaces, name: key.name)?["metadata"]["labels"].strings
            for index in plans.indices { plans[index].setNamespace(key.name, labels: labels) }
        }
    }

    // MARK: What is in force

    private func look(_ state: inout State) throws {
        let tables = zip(state.plans, state.isInForce).filter { $1 == true }.map(\.0.table)
        guard !tables.isEmpty else { return }
        let lost = state.tables.lost(Dictionary(uniqueKeysWithValues: tables.map { ($0.place, $0.shape) }))
        for table in lost.sorted() { log.warning("somebody changed the table \(table); the rules of NetworkPolicies are put back") }
        for (index, plan) in state.plans.enumerated() where lost.contains(plan.table.place) { state.isInForce[index] = nil }
    }

    private func putInForce(_ state: inout State) throws {
        let wanted = state.plans.map { !$0.isEmpty }
        var commands = ""
        for (index, plan) in state.plans.enumerated() {
            switch (state.isInForce[index], wanted[index]) {
            case (true, true): commands += plan.table.change
            case (_, true): commands += plan.table.whole
            case (false, false): break
            case (_, false): commands += plan.table.removal
            }
        }
        // Whatever comes of it, it is not known until it has been done.
        state.isInForce = wanted.map { _ in nil }
        if !commands.isEmpty { try state.tables.run(commands) }
        for index in state.plans.indices { state.plans[index].didPutInForce() }
        state.isInForce = wanted
    }
}

extension PolicyPlan.Key {
    fileprivate init(_ object: Value) {
        self.init(namespace: object["metadata"]["namespace"].string ?? "", name: object["metadata"]["name"].string ?? "")
    }
}
