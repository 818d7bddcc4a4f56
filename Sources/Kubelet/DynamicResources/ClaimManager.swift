import APIModel
import Client
import FileSystem
import Logging
import OrderedCollections
import Synchronization

/// Has drivers make the claims of pods ready on this node, and take them back when the last pod of a claim is gone; keeps which over a
/// restart. Safe from any task. Upstream: `cm/dra`.
///
/// A claim is in one task's hands at a time. Before a driver is asked for anything, it is written down what will have to be taken back.
final class ClaimManager: Sendable {
    private let path: String
    private let nodeName: String
    private let client: any Client
    private let disk: BlockingWork
    private let log: Logger
    /// How long a driver may be away before its ResourceSlices go.
    private let wipingDelay: Duration
    private let book = Mutex(ClaimBook())
    /// What the file holds.
    private let written = Mutex<[UInt8]>([])
    private let turns = KeyedTurns()
    private let orphans: AsyncStream<[String]>
    private let source: AsyncStream<[String]>.Continuation
    let drivers = DRADrivers()

    /// How often is looked whether drivers answer, while there are any.
    private static let period = Duration.seconds(5)
    private static let slices = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceslices")

    /// - Parameter wipingDelay: upstream's.
    init(
        _ configuration: KubeletConfiguration, client: any Client, disk: BlockingWork, log: Logger, wipingDelay: Duration = .seconds(30)
    ) {
        path = "\(configuration.rootDirectory)/\(ClaimCheckpoint.file)"
        nodeName = configuration.nodeName
        (self.client, self.disk, self.log, self.wipingDelay) = (client, disk, log, wipingDelay)
        (orphans, source) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: Over a restart

    /// Learns what an earlier kubelet had made ready. Before anything else. Throws when that cannot be known.
    func load() async throws {
        let path = path
        guard let bytes = try await disk.run({ Files.exists(path) ? try Files.content(of: path) : nil }) else { return }
        guard let known = ClaimCheckpoint.decode(bytes) else {
            throw ConfigurationError(
                message:
                    "could not restore claims from checkpoint, please drain this node and delete the checkpoint file \"\(path)\" before restarting Kubelet"
            )
        }
        book.withLock { $0 = known }
    }

    /// The newest, whoever else writes.
    private func save() async throws {
        let path = path
        try await turns.run("") {
            let bytes = book.withLock { ClaimCheckpoint.encode($0) }
            guard bytes != written.withLock({ $0 }) else { return }
            try await disk.run { try Files.replace(path, bytes, mode: 0o600) }
            written.withLock { $0 = bytes }
        }
    }

    // MARK: Pods

    /// The pods that something was made ready for.
    var pods: Set<String> { book.withLock { $0.pods } }
    /// Whether something is to be taken back before the pod can be said to have ended.
    func holds(_ uid: String) -> Bool { book.withLock { $0.holds(uid) } }

    /// Returns when all claims of the pod are ready. What was begun when this throws stays until `unprepare`.
    func prepare(_ pod: Pod) async throws {
        if pod.spec["resourceClaims"].isEmpty && pod.status["extendedResourceClaimStatus"].isNull { return }
        do {
            let wanted = try PodClaim.all(of: pod)
            try await inTurn(wanted.map { ClaimBook.Key(namespace: pod.namespace, name: $0.claim) }) { try await prepare(wanted, pod) }
        } catch {
            try Task.checkCancellation()
            throw ConfigurationError(message: "prepare dynamic resources: \(error)")
        }
    }

    private func prepare(_ wanted: [PodClaim], _ pod: Pod) async throws {
        // Nothing is asked of anybody before all can be: what fails here leaves nothing to take back.
        var claims: [Ready] = []
        for claim in wanted { claims.append(try await look(claim, pod)) }
        let waiting = try book.withLock { book throws(ConfigurationError) in
            for claim in claims { try book.enter(pod.uid, claim.key, uid: claim.uid, drivers: claim.drivers.map(\.name)) }
            return claims.filter { book[$0.key]?.isPrepared != true }
        }
        try await save()
        for driver in Self.unique(waiting.flatMap(\.drivers)) {
            let batch = waiting.filter { $0.drivers.contains { $0 === driver } }
            try await ask("NodePrepareResources", batch.map { ($0.key, $0.uid) }, driver.prepare) { key, answer in
                book.withLock { $0.note(answer["devices"].elements.map(ClaimBook.Device.init), of: driver.name, for: key) }
            }
        }
        book.withLock { book in for claim in waiting { book.prepared(claim.key) } }
        try await save()
    }

    /// A claim that is the pod's to use, with the drivers that have a part in it.
    private struct Ready: Sendable {
        var key: ClaimBook.Key
        var uid: String
        var drivers: [DRADriver]
    }

    private func look(_ claim: PodClaim, _ pod: Pod) async throws -> Ready {
        let object: Object
        do { object = try await client.get(PodClaim.objects, namespace: pod.namespace, name: claim.claim) } catch {
            throw ConfigurationError(message: "fetch ResourceClaim \(claim.claim): \(error)")
        }
        let isOwn = object.value[path: "metadata", "ownerReferences"].elements.contains {
            $0["uid"].string == pod.uid && $0["controller"].bool == true
        }
        if claim.isOwned && !isOwn {
            throw ConfigurationError(
                message:
                    "ResourceClaim \(pod.namespace)/\(claim.claim) was not created for pod \(pod.namespace)/\(pod.name) (pod is not owner)"
            )
        }
        guard object.value[path: "status", "reservedFor"].elements.contains(where: { $0["uid"].string == pod.uid }) else {
            throw ConfigurationError(
                message: "pod \(pod.name) (\(pod.uid)) is not allowed to use ResourceClaim \(claim.claim) (\(object.uid))")
        }
        let allocation = object.value[path: "status", "allocation"]
        if allocation.isNull { throw ConfigurationError(message: "ResourceClaim \(claim.claim): not allocated") }
        let names = Set(allocation[path: "devices", "results"].elements.compactMap { $0["driver"].string })
        return Ready(
            key: ClaimBook.Key(namespace: pod.namespace, name: claim.claim), uid: object.uid, drivers: try names.sorted().map(driver))
    }

    private func driver(_ name: String) throws(ConfigurationError) -> DRADriver {
        guard let driver = drivers[name] else { throw ConfigurationError(message: "DRA driver \(name) is not registered") }
        return driver
    }

    private static func unique(_ drivers: [DRADriver]) -> [DRADriver] {
        drivers.reduce(into: []) { unique, driver in if !unique.contains(where: { $0 === driver }) { unique.append(driver) } }
    }

    /// Asks a driver for claims. Throws when it does not answer for each that it went well.
    private func ask(
        _ method: String, _ claims: [(key: ClaimBook.Key, uid: String)], _ call: ([Value]) async throws -> Value.Fields,
        _ each: (ClaimBook.Key, Value) -> Void
    ) async throws {
        let asked = claims.map { key, uid -> Value in
            ["namespace": .string(key.namespace), "uid": .string(uid), "name": .string(key.name)]
        }
        let answers: Value.Fields
        do { answers = try await call(asked) } catch let failure as PluginFailure {
            throw ConfigurationError(message: "\(method): \(failure)")
        }
        for (uid, answer) in answers {
            guard let claim = claims.first(where: { $0.uid == uid }) else {
                throw ConfigurationError(message: "\(method) returned result for unknown claim UID \(uid)")
            }
            if let error = answer["error"].string, !error.isEmpty {
                throw ConfigurationError(message: "\(method) failed for ResourceClaim \(claim.key.name): \(error)")
            }
            each(claim.key, answer)
        }
        let missing = claims.count - answers.count
        if missing != 0 { throw ConfigurationError(message: "\(method) skipped \(missing) ResourceClaims") }
    }

    /// Takes back what nobody but this pod, of which nothing runs, has. May be called again when it threw, and when there is nothing.
    func unprepare(_ uid: String) async throws {
        let keys = book.withLock { $0.keys(of: uid) }
        if keys.isEmpty { return }
        do {
            try await inTurn(keys) { try await takeBack(uid) }
        } catch {
            try Task.checkCancellation()
            throw ConfigurationError(message: "unprepare dynamic resources: \(error)")
        }
    }

    private func takeBack(_ uid: String) async throws {
        let (last, known) = book.withLock { book in (book.leave(uid), book) }
        for name in Set(last.flatMap { known[$0]?.drivers.keys.map { $0 } ?? [] }).sorted() {
            let claims = last.compactMap { key in known[key].map { (key: key, uid: $0.uid, drivers: $0.drivers) } }
            let batch = claims.filter { $0.drivers[name] != nil }.map { (key: $0.key, uid: $0.uid) }
            try await ask("NodeUnprepareResources", batch, driver(name).unprepare) { _, _ in }
        }
        book.withLock { book in for key in last { book.forget(key) } }
        try await save()
    }

    /// Works while nobody else has one of these claims.
    private func inTurn(_ keys: [ClaimBook.Key], _ body: () async throws -> Void) async throws {
        try await inTurn(Set(keys).sorted()[...], body)
    }

    private func inTurn(_ keys: ArraySlice<ClaimBook.Key>, _ body: () async throws -> Void) async throws {
        guard let first = keys.first else { return try await body() }
        try await turns.run(first.description) { try await inTurn(keys.dropFirst(), body) }
    }

    // MARK: Containers

    /// The devices that a container gets, as the runtime calls them, by the uid of the claim. Throws when a claim was not made ready.
    func devices(for container: Value, of pod: Pod) throws -> [(claim: String, ids: [String])] {
        try uses(of: container, in: pod).map { entry, requests in
            let devices = requests.flatMap { request in entry.devices.map(\.device).filter { $0.serves(request) } }
            return (entry.uid, devices.flatMap(\.cdi))
        }
    }

    private func uses(of container: Value, in pod: Pod) throws -> [(entry: ClaimBook.Entry, requests: [String])] {
        if pod.spec["resourceClaims"].isEmpty && pod.status["extendedResourceClaimStatus"].isNull { return [] }
        return try PodClaim.all(of: pod).compactMap { claim in
            let requests = claim.requests(of: container, in: pod)
            if requests.isEmpty { return nil }
            let key = ClaimBook.Key(namespace: pod.namespace, name: claim.claim)
            guard let entry = book.withLock({ $0[key] }) else {
                throw ConfigurationError(
                    message: "internal error: unable to get claim info for ResourceClaim \(key.name) in namespace \(key.namespace)")
            }
            return (entry, requests)
        }
    }

    /// What a container has of claims: a `DynamicResource` each.
    func resources(of container: Value, in pod: Pod) -> [Value] {
        guard let claims = try? PodClaim.all(of: pod) else { return [] }
        return claims.compactMap { claim in
            let key = ClaimBook.Key(namespace: pod.namespace, name: claim.claim)
            guard !claim.requests(of: container, in: pod).isEmpty, let entry = book.withLock({ $0[key] }) else { return nil }
            return [
                "claim_name": .string(key.name), "claim_namespace": .string(key.namespace),
                "claim_resources": .array(
                    entry.devices.map { driver, device in
                        [
                            "cdi_devices": .array(device.cdi.map { ["name": .string($0)] }), "driver_name": .string(driver),
                            "pool_name": .string(device.pool), "device_name": .string(device.name), "share_id": Value(device.share),
                        ]
                    }),
            ]
        }
    }

    /// How the devices of a pod's containers are: `ResourceStatus` by container. Upstream: `UpdateAllocatedResourcesStatus`.
    func health(of pod: Pod) -> [String: Value] {
        guard !pod.spec["resourceClaims"].isEmpty, let claims = try? PodClaim.all(of: pod) else { return [:] }
        var health: [String: Value] = [:]
        for container in pod.containers {
            var resources: [Value] = []
            for use in container[path: "resources", "claims"].elements {
                guard let claim = claims.first(where: { $0.name == use.name }),
                    let entry = book.withLock({ $0[ClaimBook.Key(namespace: pod.namespace, name: claim.claim)] })
                else { continue }
                let request = use["request"].string ?? ""
                let devices = Self.health(of: entry.devices.filter { $0.device.serves(request) })
                if devices.isEmpty { continue }
                let name = request.isEmpty ? "claim:\(use.name)" : "claim:\(use.name)/\(request)"
                resources.append(["name": .string(name), "resources": .array(devices)])
            }
            if !resources.isEmpty { health[container.name] = .array(resources) }
        }
        return health
    }

    private static func health(of devices: [(driver: String, device: ClaimBook.Device)]) -> [Value] {
        var told: [Value] = []
        for (driver, device) in devices {
            let id = Value.string(device.cdi.first ?? "\(driver)/\(device.pool)/\(device.name)")
            if !told.contains(where: { $0["resourceID"] == id }) { told.append(["resourceID": id, "health": "Unknown"]) }
        }
        return told
    }

    // MARK: What goes on beside

    /// Nothing of these pods runs, and nobody wants them.
    func abandon(_ pods: [String]) { if !pods.isEmpty { source.yield(pods) } }

    /// Takes back what abandoned pods have, and removes ResourceSlices of drivers that are away, until cancelled.
    /// - Parameter isWanted: whether there is a pod of that uid at this moment.
    func run(isWanted: @escaping @Sendable (_ uid: String) -> Bool) async {
        await withDiscardingTaskGroup { group in
            // No driver has come yet, and those that were there may not come again.
            group.addTask { await self.wipeSlices(of: nil) }
            group.addTask { await self.watchDrivers() }
            for await pods in orphans {
                for uid in pods where !isWanted(uid) {
                    do { try await unprepare(uid) } catch {
                        if !Task.isCancelled { log.info("claims of pod \(uid), which is gone, are not taken back yet: \(error)") }
                    }
                }
            }
            group.cancelAll()
        }
    }

    private func watchDrivers() async {
        var wipes = ResourceSliceWipes(delay: wipingDelay)
        let period = min(Self.period, wipingDelay)
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                for driver in drivers.all { await driver.look() }
                for name in wipes.look(drivers.usable, now: .now) { group.addTask { await self.wipeSlices(of: name) } }
                await drivers.changed.wait(until: wipes.isIdle ? nil : .now + period)
            }
            group.cancelAll()
        }
    }

    /// - Parameter name: the driver's; `nil` for all. What a driver told that answers by now, stays.
    private func wipeSlices(of name: String?) async {
        var backoff = Backoff(first: .seconds(1), last: .seconds(300), spread: 0.2)
        while !Task.isCancelled {
            do {
                let slices = try await client.list(
                    Self.slices, namespace: nil, options: ListOptions(fieldSelector: "spec.nodeName=\(nodeName)"))
                for slice in slices.items {
                    let driver = slice.value["spec"]["driver"].string ?? ""
                    if drivers.isUsable(driver) || name ?? driver != driver { continue }
                    do { try await client.delete(Self.slices, namespace: nil, name: slice.name) } catch let error as APIError
                        where error.reason == .notFound
                    {
                        // Somebody else was quicker.
                    }
                }
                return
            } catch {
                if !Task.isCancelled { log.debug("ResourceSlices of \(name ?? "all drivers") stay for now: \(error)") }
            }
            try? await Task.sleep(for: backoff.next())
        }
    }
}

extension ClaimBook.Device {
    /// - Parameter told: by a driver: a `ClaimDevice`.
    fileprivate init(_ told: Value) {
        self.init(
            pool: told["pool_name"].string ?? "", name: told["device_name"].string ?? "", share: told["share_id"].string,
            requests: told["request_names"].elements.compactMap(\.string), cdi: told["cdi_device_ids"].elements.compactMap(\.string))
    }
}
