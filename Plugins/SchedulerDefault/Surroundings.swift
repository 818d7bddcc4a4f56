internal import PluginAPI
internal import PluginKit

/// What the Pods on all Nodes mean for those that come: counts, kept up to date with what changed since they were last looked at, so that a
/// cycle costs what changed and not what there is.
///
/// Pods are counted by sort: those that a term means, those that have a term. A sort is counted from when somebody first asks for it. All is
/// forgotten, and made anew when it is asked for, when strings get new numbers, when more changed than the tables remember, and when more
/// sorts have come together than are worth counting. One caller at a time.
final class Surroundings: @unchecked Sendable {
    // Sendable because its owner lets one caller in at a time.
    /// A sort of Pods and where they are counted.
    enum Sort: Hashable {
        /// Those that every one of the terms means.
        case meant(by: [Term], in: Region.Key)
        /// Those of a Namespace that a spread constraint means, but for those that are being deleted.
        case spread(namespace: apus_string, Selector, in: Region.Key)
        /// Those that have the term, with this role.
        case having(Term, Role, in: Region.Key)
    }

    /// What a term is to the Pod that has it.
    enum Role: Hashable {
        case affinity, antiAffinity
        /// Negative for anti-affinity.
        case preference(weight: Int32)
    }

    /// Terms that Pods have, with the tally of those Pods.
    struct Owned {
        let term: Term
        let role: Role
        let tally: Tally
    }

    private struct Counter {
        let means: (Identity, NamespaceLabels) -> Bool
        let tally: Tally
    }
    private struct NotedClass {
        var serial: UInt64 = 0
        var identity = Identity(namespace: 0, [])
        var tallies: [Tally] = []
    }
    private struct NotedPod {
        var node = APUS_NO_NODE
        var row: UInt32 = 0
        var isTerminating = false
    }

    // What is known, and of which tables at which point of their history.
    private var identity: UInt64 = 0
    private var epoch: UInt64 = 0
    private var nodeChanges: UInt64 = 0
    private var podChanges: UInt64 = 0
    private var namespaceChanges: UInt64 = 0

    private var pods: ContiguousArray<NotedPod> = []
    private var classes: [NotedClass] = []
    private var topologies: [apus_string?: Topology] = [:]
    private var regions: [Region.Key: Region] = [:]
    private var tallies: [Sort: Tally] = [:]
    private var counters = TermIndex<Counter>()
    private var owned = TermIndex<Owned>()
    private var namespaces: NamespaceLabels?
    private var plans: [PodPlan.Key: PodPlan] = [:]
    /// By the number that the host gives to equal needs.
    private var plansBySerial: [UInt64: PodPlan] = [:]
    /// The Nodes by name.
    private var nodesByName: [apus_string: Int] = [:]
    /// Grows when all is made anew.
    private(set) var generation: UInt64 = 0
    /// Grows when Pods have a term that none had before: who that concerns is found out anew.
    private var ownedVersion = 0

    /// So many sorts beyond those of the Pods that are there, and so many plans, are worth keeping.
    private static let most = 20_000
    private var mostTallies = 0

    /// What counts for a Pod, with all Pods counted as they are in the tables now.
    func plan(_ pod: PodNeeds, _ nodes: Nodes) -> PodPlan {
        update(nodes)
        let serial = pod.raw.pointee.needs_serial
        if serial != 0, let plan = plansBySerial[serial], plan.version == ownedVersion { return plan }
        if plans.count + plansBySerial.count >= Self.most { (plans, plansBySerial) = ([:], [:]) }
        let key = PodPlan.Key(pod)
        let plan = plans[key].flatMap { $0.version == ownedVersion ? $0 : nil } ?? PodPlan(key, self, nodes, version: ownedVersion)
        plans[key] = plan
        if serial != 0 { plansBySerial[serial] = plan }
        return plan
    }

    /// The Node of that name, `nil` where there is none.
    func node(named name: apus_string, _ nodes: Nodes) -> Int? {
        // A Node that went may have left its place to another.
        nodesByName[name].flatMap { nodes.name($0) == name ? $0 : nil }
    }

    /// The count of a sort of Pods.
    func tally(_ sort: Sort, _ nodes: Nodes) -> Tally {
        if let tally = tallies[sort] { return tally }
        let (tally, counter) = make(sort, nodes)
        tallies[sort] = tally
        guard let counter else { return tally }
        var isCounted = [Bool](repeating: false, count: classes.count)
        let labels = namespaceLabels(nodes)
        for row in classes.indices where classes[row].serial != 0 && counter.means(classes[row].identity, labels) {
            classes[row].tallies.append(tally)
            isCounted[row] = true
        }
        for pod in pods where pod.node != APUS_NO_NODE && isCounted[Int(pod.row)] {
            tally.add(Int(pod.node), isTerminating: pod.isTerminating, 1)
        }
        return tally
    }

    /// The terms, of Pods that are there, that mean a Pod.
    func terms(meaning pod: Identity, _ nodes: Nodes) -> [Owned] {
        let labels = namespaceLabels(nodes)
        return owned.candidates(pod.namespace).filter { $0.term.matches(pod, labels) }
    }

    func topology(_ key: apus_string?, _ nodes: Nodes) -> Topology {
        if let topology = topologies[key] { return topology }
        let topology = Topology(key)
        for node in 0..<nodes.count { topology.update(node, nodes) }
        topologies[key] = topology
        return topology
    }

    func namespaceLabels(_ nodes: Nodes) -> NamespaceLabels {
        if let namespaces { return namespaces }
        let labels = NamespaceLabels(nodes.raw.pointee.namespaces)
        namespaces = labels
        return labels
    }

    private func region(_ key: Region.Key, _ nodes: Nodes) -> Region {
        if let region = regions[key] { return region }
        let region = Region(key, topology(key.topologyKey, nodes))
        for node in 0..<nodes.count { region.update(node, nodes) }
        regions[key] = region
        return region
    }

    private func make(_ sort: Sort, _ nodes: Nodes) -> (Tally, Counter?) {
        switch sort {
        case .having(let term, let role, let key):
            let tally = Tally(region(key, nodes))
            owned.add(
                Owned(term: term, role: role, tally: tally), namespaces: term.namespaces,
                selectsNamespaces: term.namespaceSelector.requirements != nil)
            ownedVersion += 1
            return (tally, nil)
        case .meant(let terms, let key):
            let tally = Tally(region(key, nodes))
            let counter = Counter(means: { pod, labels in terms.allSatisfy { $0.matches(pod, labels) } }, tally: tally)
            counters.add(
                counter, namespaces: terms.first?.namespaces ?? [],
                selectsNamespaces: terms.contains { $0.namespaceSelector.requirements != nil })
            return (tally, counter)
        case .spread(let namespace, let selector, let key):
            let tally = Tally(region(key, nodes), skipsTerminating: true)
            let counter = Counter(
                means: { pod, _ in pod.namespace == namespace && !selector.isEverybody && selector.matches(pod.labels) }, tally: tally)
            counters.add(counter, namespaces: [namespace], selectsNamespaces: false)
            return (tally, counter)
        }
    }
}

// Keeping up.
extension Surroundings {
    private func update(_ nodes: Nodes) {
        let table = nodes.raw.pointee
        let pods = table.pods.pointee
        let namespacesChanged = namespaceChanges != table.namespaces.pointee.changes.count
        if identity != table.identity || epoch != table.string_epoch || tallies.count > mostTallies
            || pods.changes.count - podChanges > UInt64(pods.changes.capacity)
            || table.changes.count - nodeChanges > UInt64(table.changes.capacity)
            || nodeChanges != table.changes.count && topologies.values.contains(where: \.isWorn)
            || namespacesChanged && (owned.looksAtNamespaces || counters.looksAtNamespaces)
        {
            return start(nodes)
        }
        namespaces = nil
        namespaceChanges = table.namespaces.pointee.changes.count
        guard podChanges != pods.changes.count || nodeChanges != table.changes.count else { return }
        let changedPods = Self.rows(pods.changes, since: podChanges)
        for row in changedPods where row < self.pods.count { forget(row) }
        for node in Self.rows(table.changes, since: nodeChanges) {
            nodesByName[nodes.name(node)] = node
            for topology in topologies.values { topology.update(node, nodes) }
            for region in regions.values { region.update(node, nodes) }
        }
        for row in changedPods { note(row, pods, nodes) }
        (nodeChanges, podChanges) = (table.changes.count, pods.changes.count)
    }

    private func start(_ nodes: Nodes) {
        let table = nodes.raw.pointee
        (identity, epoch, nodeChanges) = (table.identity, table.string_epoch, table.changes.count)
        (podChanges, namespaceChanges) = (table.pods.pointee.changes.count, table.namespaces.pointee.changes.count)
        (pods, classes, plans, tallies, regions, topologies) = ([], [], [:], [:], [:], [:])
        (counters, owned, namespaces, plansBySerial) = (TermIndex(), TermIndex(), nil, [:])
        nodesByName = Dictionary((0..<nodes.count).map { (nodes.name($0), $0) }, uniquingKeysWith: { $1 })
        generation += 1
        for row in 0..<Int(table.pods.pointee.count) { note(row, table.pods.pointee, nodes) }
        mostTallies = tallies.count + Self.most
    }

    private static func rows(_ changes: apus_changes, since first: UInt64) -> [Int] {
        (first..<changes.count).map { Int(changes.rows[Int($0 % UInt64(changes.capacity))]) }
    }

    private func forget(_ row: Int) {
        let pod = pods[row]
        guard pod.node != APUS_NO_NODE else { return }
        pods[row].node = APUS_NO_NODE
        for tally in classes[Int(pod.row)].tallies { tally.add(Int(pod.node), isTerminating: pod.isTerminating, -1) }
    }

    /// A row that stands twice among the changes is noted once.
    private func note(_ row: Int, _ table: apus_pods, _ nodes: Nodes) {
        while pods.count <= row { pods.append(NotedPod()) }
        guard pods[row].node == APUS_NO_NODE, table.nodes[row] != APUS_NO_NODE else { return }
        let pod = NotedPod(node: table.nodes[row], row: table.classes[row], isTerminating: table.terminating[row] != 0)
        let noted = noteClass(Int(pod.row), table.class_rows[Int(pod.row)], nodes)
        pods[row] = pod
        for tally in classes[noted].tallies { tally.add(Int(pod.node), isTerminating: pod.isTerminating, 1) }
    }

    /// A row may be another class's by now: then no Pod of the old one is counted any more.
    private func noteClass(_ row: Int, _ raw: apus_pod_class, _ nodes: Nodes) -> Int {
        while classes.count <= row { classes.append(NotedClass()) }
        guard classes[row].serial != raw.serial else { return row }
        let identity = Identity(namespace: raw.namespace_, Terms.labels(raw.labels, raw.label_count))
        // Tallies that are made here find no Pod of this class yet, and it is noted only below.
        classes[row] = NotedClass()
        var own: [Tally] = []
        func add(_ terms: [(Term, Int32)], _ role: (Int32) -> Role) {
            for (term, weight) in terms {
                own.append(tally(.having(term, role(weight), in: Region.Key(topologyKey: term.topologyKey)), nodes))
            }
        }
        add(Terms.read(raw.affinity, raw.affinity_count)) { _ in .affinity }
        add(Terms.read(raw.anti_affinity, raw.anti_affinity_count)) { _ in .antiAffinity }
        add(Terms.read(raw.preferred_affinity, raw.preferred_affinity_count)) { .preference(weight: $0) }
        add(Terms.read(raw.preferred_anti_affinity, raw.preferred_anti_affinity_count)) { .preference(weight: -$0) }
        let labels = namespaceLabels(nodes)
        let counting = counters.candidates(identity.namespace).filter { $0.means(identity, labels) }
        classes[row] = NotedClass(serial: raw.serial, identity: identity, tallies: own + counting.map(\.tally))
        return row
    }
}
