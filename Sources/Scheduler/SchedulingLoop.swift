package import APIModel
internal import Client
internal import DequeModule
internal import PluginAPI
package import PluginHost

/// All state of the scheduler and what changes it. Lives on the scheduling thread; tells what is to be done, does not touch the API.
package final class SchedulingLoop {
    /// What the API has to hear.
    package enum Effect {
        case bind(Object, node: String, BindNeeds)
        case unschedulable(Object, message: String, nomination: Nomination)
        /// The Pod has a Node, where it counts, and a policy lets it wait: nothing is to be done.
        case waiting(Object, node: String)
        /// The Pod had a Node, and gave it up because a policy did not let it be bound.
        case rejected(Object, message: String)
        case failed(Object, message: String)
        case gated(Object)
        /// The claim keeps a Pod from every Node: its devices are to be taken back.
        case deallocate(Object)
    }

    /// Where a Pod is to run once there is room, as the API has to hear it.
    package enum Nomination {
        case kept
        case none
        /// - victims: have to go, the most important one first.
        /// - displaced: were to run there, and are less important.
        case node(String, victims: [Object], displaced: [Object])
    }

    let columns: NodeColumns
    private let templates = PodTemplates()
    var assigned: AssignedPods
    var queue: SchedulingQueue<PodInfo>
    private var nominations = Nominations()
    private var budgets = DisruptionBudgets()
    private let volumes = VolumeObjects()
    private let devices = DeviceObjects()
    private var defaultSpread = DefaultSpread()
    /// By Pod, the volumes that its binding takes.
    private var takenVolumes: [PodKey: [String]] = [:]
    private let decider: Decider
    let configuration: SchedulerConfiguration
    /// Where figures go; `nil`: nowhere.
    let metrics: SchedulerMetrics?
    /// Pods that wait until their gates are gone.
    private var gated: Set<PodKey> = []
    /// What was decided last.
    let decisions: DecisionLog
    /// What the last cycle decided; `nil` where it only saw to what was decided before.
    private(set) var newest: DecisionRecord?

    var waitingPods = WaitingPods()
    private var observers = Observers()
    /// What policies said of Pods that wait for them.
    var said = Deque<Observers.Said>()
    /// Of Pods that gave up a Node while no policy was at hand, the uids.
    private var left: [String] = []
    /// Those that were asked about every Pod that waits.
    private var permitters: [SchedulerPolicy.Life] = []
    /// Who ordered the queue when a Pod was taken last.
    var orderer: SchedulerPolicy.Life?
    /// What is to be returned next.
    var effects = Deque<Effect>()

    /// - Parameter keepsFigures: whether it takes down what operators ask for, as in a cluster.
    package convenience init(seed: UInt64, _ configuration: SchedulerConfiguration = SchedulerConfiguration(), keepsFigures: Bool = false) {
        self.init(seed: seed, configuration, DecisionLog(), keepsFigures ? SchedulerMetrics() : nil)
    }

    init(seed: UInt64, _ configuration: SchedulerConfiguration, _ decisions: DecisionLog, _ metrics: SchedulerMetrics? = nil) {
        self.metrics = metrics
        self.decisions = decisions
        columns = NodeColumns(volumes)
        assigned = AssignedPods(columns, templates)
        decider = Decider(seed: seed, metrics)
        queue = SchedulingQueue(initialBackoff: configuration.initialBackoff, mostBackoff: configuration.mostBackoff)
        self.configuration = configuration
        queue.metrics = metrics
    }

    /// How many Pods wait where.
    var pending: SchedulerMetrics.Pending {
        var pending = queue.waiting
        pending[.gated] = gated.count
        return pending
    }

    /// How many Pods have no Node yet.
    package var waiting: Int { queue.count }

    /// Takes a message in; `now` is in milliseconds of a steady clock.
    package func receive(_ message: Message, now: Int64) -> Effect? {
        switch message {
        case .node(_, let after?):
            queue.wake(assigned.putNode(after), now: now)
        case .node(let before?, nil):
            assigned.removeNode(before.name)
            devices.forget(node: before.name)
            queue.wake(.nodeRemoved, now: now)
        case .namespace(_, let after?):
            if columns.namespaces.put(after) { queue.wake(.namespace, now: now) }
        case .namespace(let before?, nil):
            columns.namespaces.remove(before.name)
        case .pod(let before, let after?):
            return receive(pod: after, before: before, now: now)
        case .pod(let before?, nil):
            let key = PodKey(before)
            queue.remove(key)
            gated.remove(key)
            leave(key, now: now)
        case .volume(let resource, let before, let after):
            let mayHelp = volumes.put(resource, before: before, after: after)
            columns.attached.objectsChanged(resource, before: before, after: after)
            if mayHelp { queue.wake(.volume, now: now) }
        case .attachment(let resource, let before, let after):
            if columns.attached.put(resource, before: before, after: after) { queue.wake(.volumeLimits, now: now) }
        case .device(let resource, let before, let after):
            heed(devices.put(resource, before: before, after: after), now: now)
        case .claimWritten(let claim): heed(devices.putWritten(claim), now: now)
        case .group(let resource, let before, let after):
            defaultSpread.put(resource, before: before, after: after)
        case .disruptionBudget(_, let after?):
            budgets.put(after)
        case .disruptionBudget(let before?, nil):
            budgets.remove(before)
        case .bindFailed(let key, let uid, let isRefused):
            // Another Pod may have the name by now.
            if let pod = queue.pod(key), pod.uid == uid {
                ended(isRefused ? .unschedulable : .error, pod)
                queue.fail(key, isRefused ? .rejected : .error, now: now)
            }
            giveDevicesBack(key, uid: uid, now: now)
            if assigned.forget(key, uid: uid) {
                giveVolumesBack(key, now: now)
                queue.wake(.podRemoved, by: key, now: now)
                left.append(uid)
            }
        case .preemptionFailed(let key, let uid):
            guard let nomination = nominations[key], nomination.pod.uid == uid else { break }
            nominations.put(Nominations.Entry(pod: nomination.pod, node: nomination.node))
            if let pod = queue.pod(key) { queue.put(key, pod, priority: pod.priority, now: now) }
        case .observed(let resource, let name, let object): observers.put(resource, name, object)
        case .observedNoMore(let resource): observers.forget(resource)
        case .consider, .listWaiting:
            // A question: the thread answers it, with its policies.
            break
        case .policiesChanged:
            queue.wake(.all, now: now)
        case .node(nil, nil), .namespace(nil, nil), .disruptionBudget(nil, nil), .pod(nil, nil):
            break
        }
        return nil
    }

    private func receive(pod: Object, before: Object?, now: Int64) -> Effect? {
        let key = PodKey(pod)
        if pod.isAssigned {
            gated.remove(key)
            _ = nominations.remove(key)
            takenVolumes[key] = nil
            devices.unfollow(key)
            waitNoMore(key, now: now)
            queue.wake(assigned.put(bound: pod), now: now)
            queue.done(key)
            return nil
        }
        // A Pod that is somebody else's is none of those that wait here.
        let profile = pod.needsNode ? configuration.profile(for: pod.schedulerName) : nil
        // While our own bind is under way the API still shows the Pod without a Node.
        if profile != nil, assigned.isAssumed(key, uid: pod.uid) {
            if waitingPods.contains(key) { queue.replace(key, PodInfo(pod, templates.template(of: pod))) }
            return nil
        }
        waitNoMore(key, now: now)
        if assigned.remove(key) { queue.wake(.podRemoved, now: now) }
        let isGated = profile?.heedsGates == true && pod.isGated
        if isGated { gated.insert(key) } else { gated.remove(key) }
        guard let profile, !isGated else {
            queue.remove(key)
            leave(key, now: now)
            return profile != nil && pod.value["status"]["conditions"].elements.allSatisfy { $0["type"].string != "PodScheduled" }
                ? .gated(pod) : nil
        }
        let info = PodInfo(pod, templates.template(of: pod))
        guard !profile.allocatesDevices || devices.follow(info) else {
            queue.remove(key)
            return nil
        }
        nominations.hear(info, before: before?.value["status"]["nominatedNodeName"].string ?? "")
        // A change of the status alone, most often our own, is no reason to look again.
        if let before, queue.contains(key), before.uid == pod.uid, before.value["spec"] == pod.value["spec"], before.labels == pod.labels {
            queue.replace(key, info)
        } else {
            queue.put(key, info, priority: info.priority, now: now)
            if metrics != nil { queue.came(key, at: .now) }
        }
        return nil
    }

    /// The Pod holds nothing any more, neither on a Node nor in wait for one.
    private func leave(_ key: PodKey, now: Int64) {
        let wasNominated = nominations.remove(key)
        if !waitNoMore(key, now: now), let uid = assigned.assumed(key) { left.append(uid) }
        giveVolumesBack(key, now: now)
        devices.unfollow(key)
        if assigned.remove(key) || wasNominated { queue.wake(.podRemoved, now: now) }
    }

    /// The Pod went, or somebody else bound it. Returns whether it waited.
    @discardableResult
    private func waitNoMore(_ key: PodKey, now: Int64) -> Bool {
        guard let entry = waitingPods.remove(key) else { return false }
        left.append(entry.pod.uid)
        giveDevicesBack(key, uid: entry.pod.uid, now: now)
        return true
    }

    /// The volumes that the Pod's binding was to take may be another's.
    func giveVolumesBack(_ key: PodKey, now: Int64) {
        guard let taken = takenVolumes.removeValue(forKey: key) else { return }
        for volume in taken { volumes.forget(volume) }
        queue.wake(.volume, by: key, now: now)
    }

    /// The devices that claims were to get for the sake of the Pod may be others'.
    func giveDevicesBack(_ key: PodKey, uid: String, now: Int64) {
        if devices.giveBack(pod: uid) { queue.wake(.devices, by: key, now: now) }
    }

    /// Looks again at the Pods that a change may help.
    private func heed(_ change: DeviceObjects.Change, now: Int64) {
        switch change {
        case .nothing: break
        case .devices: queue.wake(.devices, now: now)
        case .resources: queue.wake([.devices, .nodeAllocatable], now: now)
        case .claim(let key, let isFreed):
            if isFreed { queue.wake(.devices, now: now) }
            let pods = devices.review(key)
            for pod in pods.ready { queue.put(pod.key, pod, priority: pod.priority, now: now) }
            for key in pods.others { if let pod = queue.pod(key) { queue.put(key, pod, priority: pod.priority, now: now) } }
        }
    }

    /// Sees to the Pods that have a Node and wait; if nothing comes of that, finds a Node for the next Pod that is due, all of it with the policies that
    /// `policies` has when it begins; `nil` when there is nothing to do.
    package func cycle(_ policies: any PolicySource, now: Int64) -> Effect? {
        newest = nil
        return policies.withSchedulerPolicies { policies in
            attend(policies, now: now)
            if effects.isEmpty { decideNext(policies, now: now) }
            return effects.popFirst()
        }
    }

    /// What else came of the last cycle: to be asked for until there is no more, before anything is received.
    package func more() -> Effect? { effects.popFirst() }

    /// Tells policies what they observe and what became of Pods, asks newcomers about those that wait, and does what they say of these.
    private func attend(_ policies: PolicySet, now: Int64) {
        let news = observers.tell(policies)
        if news.isNews { queue.wake(.observed, now: now) }
        said += news.said
        for uid in left { unreserve(uid, policies) }
        left = []
        if !waitingPods.isEmpty, !policies.active.isEmpty, permitters != policies.permitters {
            permitters = policies.permitters
            for entry in waitingPods.all { askAgain(entry, policies, now: now) }
        }
        settle(policies, now: now)
        while let (entry, policy, wait) = waitingPods.takeLate(now: now) {
            let time = GoDuration.text(milliseconds: Whole(wait.timeout))
            giveUp(
                entry.pod, .refused("rejected due to timeout after waiting \(time) at plugin \(policy)"), hasWaited: true, policies,
                now: now)
            settle(policies, now: now)
        }
    }

    private func decideNext(_ policies: PolicySet, now: Int64) {
        guard let entry = next(policies, now: now) else { return }
        let pod = entry.pod
        if metrics != nil { queue.begin(entry.key, at: .now) }
        // The name cannot change, and whoever is in the queue has a profile.
        guard let profile = configuration.profile(for: pod.object.schedulerName) else { return queue.remove(entry.key) }
        let wanted = volumes(of: pod, profile)
        let claims = devices(of: pod, profile)
        let (decision, record) = pod.inHand { decider.decide(pod, surroundings(of: pod, profile, wanted, claims), policies) }
        newest = record
        decisions.add(record)
        switch decision {
        case .node(let index):
            let node = columns.name(index)
            var needs = BindNeeds()
            if case .success(let wanted) = wanted, !wanted.unbound.isEmpty {
                guard let found = wanted.bindings(on: VolumeMatch.Place(name: node, labels: columns.labels(index))) else {
                    ended(.error, pod)
                    queue.fail(entry.key, .error, now: now)
                    let message = "not every claim gets a PersistentVolume on node \(node)"
                    return effects.append(.failed(pod.object, message: message))
                }
                needs.volumes = found
                for case .existing(let claim, let volume) in found {
                    volumes.assume(volume.name, for: PodKey(claim))
                    takenVolumes[entry.key, default: []].append(volume.name)
                }
            }
            if case .success(let claims?) = claims {
                needs.claims = claims.bindings(on: index)
                for binding in needs.claims {
                    if let allocation = binding.allocation { devices.assume(allocation, for: PodKey(binding.claim), pod: pod.uid) }
                }
            }
            _ = nominations.remove(entry.key)
            // The entry stays until the API says that the Pod is bound, or that it is not.
            assigned.put(pod, node: node, isAssumed: true)
            switch permit(pod, node, profile, policies, now: now) {
            case .allowed: effects.append(binding(pod, node: node, needs, policies))
            case .waits(let waits):
                if waitingPods.isEmpty { permitters = policies.permitters }
                waitingPods.put(pod, node: node, needs, waits)
                decisions.settle(pod, .waiting(node, waits))
                effects.append(.waiting(pod.object, node: node))
            case .failed(let why): giveUp(pod, why, hasWaited: false, policies, now: now)
            }
            settle(policies, now: now)
        case .unschedulable(let found):
            ended(.unschedulable, pod)
            let refusers = Set(found.refusers.map { SchedulerMetrics.Refuser(plugin: $0, profile: profile.schedulerName) })
            queue.fail(entry.key, .unschedulable(helpedBy: found.helpedBy), by: refusers, now: now)
            let nomination = nominate(pod, found.nomination, now: now)
            effects.append(.unschedulable(pod.object, message: found.message, nomination: nomination))
            if let idle = found.idle { effects.append(.deallocate(idle)) }
            guard case .node(_, let victims) = found.nomination else { break }
            metrics?.displaced(victims.count)
            // Who only waits goes by giving its place up.
            for victim in victims where waitingPods.remove(victim.key) != nil {
                giveUp(victim, .refused("preempted"), hasWaited: true, policies, now: now)
            }
            settle(policies, now: now)
        case .error(let message):
            ended(.error, pod)
            queue.fail(entry.key, .error, now: now)
            effects.append(.failed(pod.object, message: message))
        }
    }

    /// An attempt came to nothing.
    func ended(_ result: SchedulerMetrics.Result, _ pod: PodInfo) {
        guard let metrics, let attempt = queue.entry(of: pod.key).flatMap(Attempt.init) else { return }
        metrics.ended(result, profile: configuration.profileName(of: pod.object), after: attempt.start.duration(to: .now))
    }

    /// Calls `body` with what a Pod asks for and all Nodes, as policies get them.
    func lend<R>(_ pod: PodInfo, _ profile: SchedulerProfile, _ body: (UnsafePointer<apus_pod>, UnsafePointer<apus_nodes>) -> R) -> R {
        Decider.arguments(pod, surroundings(of: pod, profile, volumes(of: pod, profile))).withPointer { needs in
            columns.withPointer { nodes in body(needs, nodes) }
        }
    }

    private func volumes(of pod: PodInfo, _ profile: SchedulerProfile) -> Result<PodVolumes, PodVolumes.Refused> {
        let wanted = Result { () throws(PodVolumes.Refused) in try PodVolumes(pod, volumes, assigned) }
        // What nobody asks about keeps no Pod back, and nobody binds it.
        guard !profile.filters.contains("VolumeBinding") else { return wanted }
        return .success(((try? wanted.get()) ?? PodVolumes(nothingOf: volumes)).withoutBinding)
    }

    /// `nil` for a Pod without claims or resources that are devices, or one about whose claims nobody asks.
    private func devices(of pod: PodInfo, _ profile: SchedulerProfile) -> Result<PodDevices?, PodDevices.Refused> {
        guard profile.allocatesDevices else { return .success(nil) }
        let extended = ExtendedResources(pod, devices)
        guard !pod.deviceClaims.isEmpty || extended != nil else { return .success(nil) }
        return Result { () throws(PodDevices.Refused) in
            try PodDevices(pod, devices, extended, limit: profile.arguments.filterTimeout, patience: profile.arguments.bindingTimeout)
        }
    }

    private func surroundings(
        of pod: PodInfo, _ profile: SchedulerProfile, _ wanted: Result<PodVolumes, PodVolumes.Refused>,
        _ claims: Result<PodDevices?, PodDevices.Refused> = .success(nil)
    ) -> Decider.Surroundings {
        Decider.Surroundings(
            columns: columns, assigned: assigned, nominations: nominations, budgets: budgets, profile: profile, volumes: wanted,
            spreadFrom: defaultSpread.selector(pod), devices: claims)
    }

    /// What would be decided about a Pod: nothing comes of it. `nil` for one that is another scheduler's.
    /// - Parameter preferred: the Node to say of several that are as good.
    func consider(_ pod: Object, _ policies: any PolicySource, preferred: String? = nil) -> DecisionRecord? {
        guard let profile = configuration.profile(for: pod.schedulerName) else { return nil }
        let info = PodInfo(pod, templates.template(of: pod))
        return policies.withSchedulerPolicies { policies in
            said += observers.tell(policies).said
            return decider.decide(
                info, surroundings(of: info, profile, volumes(of: info, profile), devices(of: info, profile)), policies, isShadowed: false,
                preferred: preferred.flatMap(columns.index)
            ).1
        }
    }

    /// Counts a Pod that waits as on its way to a Node, as somebody decided.
    func assume(_ key: PodKey, on node: String) {
        guard let pod = queue.pod(key) else { return }
        _ = nominations.remove(key)
        assigned.put(pod, node: node, isAssumed: true)
    }

    private func nominate(_ pod: PodInfo, _ nomination: Unschedulable.Nomination, now: Int64) -> Nomination {
        switch nomination {
        case .kept: return .kept
        case .none:
            if nominations.remove(pod.key) { queue.wake(.podRemoved, now: now) }
            return .none
        case .node(let index, let victims):
            let node = columns.name(index)
            let displaced = nominations.displaced(by: pod, on: node)
            for other in displaced { _ = nominations.remove(other.key) }
            nominations.put(Nominations.Entry(pod: pod, node: node, victims: Set(victims.map(\.uid))))
            // They may find another place at once.
            if !displaced.isEmpty { queue.wake(.podRemoved, now: now) }
            let bound = victims.filter { !waitingPods.contains($0.key) }
            return .node(node, victims: bound.map(\.object), displaced: displaced.map(\.object))
        }
    }

    /// How long to wait for a message at most; `nil` for ever.
    package func patience(now: Int64) -> Int64? {
        queue.wakeOld(now: now)
        if !effects.isEmpty || !said.isEmpty { return 0 }
        return [queue.deadline(now: now), waitingPods.nextDeadline].compactMap(\.self).min().map { max(0, $0 - now) }
    }
}
