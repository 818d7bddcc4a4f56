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
        var plan: PolicyPlan
        /// Whether everything there was has been read.
        var isComplete = false
        /// What is in the kernel; `nil` where that is not known.
        var isInForce: Bool?
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
        let seconds = config["checkSeconds"]
        guard seconds.isNull || (seconds.int.map { 1...3600 ~= $0 } ?? false) else {
            throw ComponentError.invalid("config.checkSeconds: must be a number from 1 to 3600")
        }
        patience = seconds.int ?? Self.patience
        table = config["table"].string ?? "apus-policy"
        state = Mutex(State(tables: try NFTables(), plan: PolicyPlan(table: table)))
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
            if state.isComplete { try read(key, into: &state.plan) } else { try readAll(&state) }
            if state.keeper == nil { state.keeper = key }
            if state.keeper == key { try look(&state) }
            try putInForce(&state)
            return state.keeper == key ? .doneCheckAgain(afterMilliseconds: patience * 1000) : .done
        }
    }

    public func cleanup() throws {
        try state.withLock { state in
            state.isOver = true
            try state.tables.run(state.plan.table.removal)
        }
    }

    // MARK: What is wanted

    private func readAll(_ state: inout State) throws {
        var plan = PolicyPlan(table: table)
        for namespace in try objects.list(.namespaces) {
            plan.setNamespace(namespace["metadata"]["name"].string ?? "", labels: namespace["metadata"]["labels"].strings)
        }
        for pod in try objects.list(.pods) { plan.setPod(PolicyPlan.Key(pod), PolicyPod(pod, node: node)) }
        for policy in try objects.list(Self.policies) {
            // One that cannot be read must not keep the others from being heeded: its own key says what is wrong.
            if let read = try? Policy(policy) { plan.setPolicy(PolicyPlan.Key(policy), read) }
        }
        state.plan = plan
        state.isComplete = true
    }

    private func read(_ key: Key, into plan: inout PolicyPlan) throws {
        let name = PolicyPlan.Key(namespace: key.namespace, name: key.name)
        switch key.resource {
        case Self.policies.description:
            plan.setPolicy(name, try objects.get(Self.policies, namespace: key.namespace, name: key.name).map { try Policy($0) })
        case GroupVersionResource.pods.description:
            let pod = try objects.get(.pods, namespace: key.namespace, name: key.name)
            plan.setPod(name, pod.flatMap { PolicyPod($0, node: node) })
        default:
            plan.setNamespace(key.name, labels: try objects.get(.namespaces, name: key.name)?["metadata"]["labels"].strings)
        }
    }

    // MARK: What is in force

    private func look(_ state: inout State) throws {
        guard state.isInForce == true else { return }
        let table = state.plan.table
        guard !state.tables.has(table.shape, in: table.name) else { return }
        log.warning("somebody changed the table \(table.name); the rules of NetworkPolicies are put back")
        state.isInForce = nil
    }

    private func putInForce(_ state: inout State) throws {
        let table = state.plan.table
        let isWanted = !state.plan.isEmpty
        let commands =
            switch (state.isInForce, isWanted) {
            case (true, true): table.change
            case (_, true): table.whole
            case (false, false): ""
            case (_, false): table.removal
            }
        // Whatever comes of it, it is not known until it has been done.
        state.isInForce = nil
        if !commands.isEmpty { try state.tables.run(commands) }
        state.plan.didPutInForce()
        state.isInForce = isWanted
    }
}

extension PolicyPlan.Key {
    fileprivate init(_ object: Value) {
        self.init(namespace: object["metadata"]["namespace"].string ?? "", name: object["metadata"]["name"].string ?? "")
    }
}
