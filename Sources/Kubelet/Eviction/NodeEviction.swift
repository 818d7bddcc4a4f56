import APIModel

/// Sends pods away from a node that is short of something, one at a time, after everything that nobody needs. Upstream:
/// `eviction_manager.go`.
struct NodeEviction: Sendable {
    let context: Context
    let pods: Pods
    /// What the node has now.
    let figures: @Sendable () async -> NodeFigures
    /// Gets back what nobody uses of the disk that containers and images are on.
    let reclaim: @Sendable () async -> Void
    /// The node is short of something else than before.
    let changed: @Sendable () -> Void
    /// Upstream's.
    var period = Duration.seconds(10)
    /// How long a pod that was sent away is waited for.
    static let patience = Duration.seconds(30)

    /// Looks until cancelled.
    func run() async {
        while !Task.isCancelled {
            if let worker = await look() {
                await waitForEnd(of: worker)
            } else {
                try? await Task.sleep(for: period)
            }
        }
    }

    /// Looks once. Answers the pod that was sent away.
    func look() async -> PodWorker? {
        let figures = await figures()
        let (due, haveConditionsChanged) = context.pressure.observe(figures, at: Clock.nanoseconds())
        if haveConditionsChanged { changed() }
        guard let threshold = due.first, let observation = figures.observations[threshold.signal] else { return nil }
        context.events.event(
            aboutNode: context.configuration.nodeName, .warning, "EvictionThresholdMet",
            "Attempting to reclaim \(threshold.signal.resource)")
        if threshold.signal.isOnDisk, !figures.hasImageDisk || threshold.signal.isOfImages {
            await reclaim()
            if context.pressure.isSatisfied(await self.figures()) { return nil }
        }
        let rank = EvictionRank(signal: threshold.signal)
        let workers = Dictionary(pods.workers().map { ($0.uid, $0) }) { $1 }
        for candidate in rank.sorted(await candidates(Array(workers.values), threshold.signal, figures)) {
            guard let worker = workers[candidate.pod.uid] else { continue }
            let message = rank.message(candidate, threshold, observation)
            let soft = threshold.grace == nil ? nil : context.configuration.eviction.settings.maxPodGracePeriod
            if await worker.evict(.underPressure(message, grace: soft ?? Eviction.immediate)) { return worker }
        }
        return nil
    }

    private func waitForEnd(of worker: PodWorker) async {
        let deadline = ContinuousClock.now + Self.patience
        while !Task.isCancelled, ContinuousClock.now < deadline, await worker.isInTheWay { try? await Task.sleep(for: .milliseconds(500)) }
    }

    private func candidates(_ workers: [PodWorker], _ signal: EvictionSignal, _ figures: NodeFigures) async -> [EvictionRank.Candidate] {
        let stats = Dictionary(grouping: (try? await context.cri.containerStats()) ?? []) {
            $0[path: "attributes", "labels"][Label.podUID].string ?? ""
        }
        var candidates: [EvictionRank.Candidate] = []
        for worker in workers {
            guard let pod = await worker.evictable else { continue }
            let use = await PodUse(context: context).look(at: pod, stats[pod.uid] ?? [], signal, hasImageDisk: figures.hasImageDisk)
            candidates.append(.init(pod: pod, use: use))
        }
        return candidates
    }
}

extension EvictionSignal {
    var isOnDisk: Bool { condition == "DiskPressure" }
    var isOfImages: Bool { self == .imageStorage || self == .imageInodes }
}

extension PodWorker {
    /// The pod, if it has a place on the node that it could leave.
    var evictable: Pod? { stage == .syncing && isAdmitted && !isEnding && !pod.isTerminal && eviction == nil ? pod : nil }
    /// Takes away what is left of the containers of a pod that has ended.
    func discardContainers() {
        guard stage == .terminated else { return }
        discardsContainers = true
        wakeup.set()
    }

    /// Whether the pod has something of the node still.
    var isInTheWay: Bool { stage == .syncing || stage == .terminating }
}
