import APIModel
import Client
import Store
import Synchronization

/// Gives out cluster addresses and node ports.
///
/// What is taken stands in the store, each as a record of its own that is made only where there is none, so that nothing is given out
/// twice, whoever else writes to the same database. An address is an IPAddress, as clients see it; a port is a record that is not served.
/// A write of a Service first takes what it needs, then commits, then lets go of what is no longer needed (`ServiceAllocation`); what a
/// crash leaves in between, `repair` mends.
final class ServiceAllocator: Sendable {
    /// Why a Service cannot have what it asks for.
    enum Refusal: Error {
        case address(IPAddress, String)
        case port(Int, String)
    }

    /// One thing that can be taken: the record that says so.
    fileprivate struct Slot: Hashable, Sendable {
        enum Item: Hashable {
            case address(IPAddress)
            case port(Int)
        }
        var item: Item

        static let addresses = "networking.k8s.io/ipaddresses"
        static let ports = "internal.apus.dev/nodeports"
        static let ranges = "networking.k8s.io/servicecidrs"

        var key: RecordKey {
            switch item {
            case .address(let address): RecordKey(collection: Self.addresses, name: address.description)
            case .port(let port): RecordKey(collection: Self.ports, name: String(port))
            }
        }

        init(_ item: Item) { self.item = item }

        init?(_ key: RecordKey) {
            switch key.collection {
            case Self.addresses:
                guard let address = IPAddress(key.name) else { return nil }
                item = .address(address)
            default:
                guard let port = Int(key.name) else { return nil }
                item = .port(port)
            }
        }

        /// The record, owned by a Service.
        func object(_ owner: Owner) -> Value {
            var metadata: Value = [
                "name": .string(key.name), "uid": .string(UniqueID.make()), "creationTimestamp": .string(Timestamp.now()),
                "annotations": [Owner.annotation: .string(owner.uid)],
            ]
            let parent: Value = ["resource": "services", "namespace": .string(owner.namespace), "name": .string(owner.name)]
            switch item {
            case .address(let address):
                metadata["labels"] = [
                    "ipaddress.kubernetes.io/ip-family": .string(address.family.rawValue),
                    "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io",
                ]
                return ["kind": "IPAddress", "apiVersion": "networking.k8s.io/v1", "metadata": metadata, "spec": ["parentRef": parent]]
            case .port:
                return ["kind": "NodePort", "apiVersion": "internal.apus.dev/v1", "metadata": metadata, "spec": ["parentRef": parent]]
            }
        }
    }

    fileprivate struct Owner: Sendable {
        static let annotation = "internal.apus.dev/service-uid"
        var namespace: String
        var name: String
        var uid: String

        init(_ service: Value) {
            let metadata = service["metadata"]
            namespace = metadata["namespace"].string ?? ""
            name = metadata["name"].string ?? ""
            uid = metadata["uid"].string ?? ""
        }

        /// Who has the record that stands there.
        init(record: Value) {
            let parent = record[path: "spec", "parentRef"]
            namespace = parent["namespace"].string ?? ""
            name = parent["name"].string ?? ""
            uid = record[path: "metadata", "annotations"][Self.annotation].string ?? ""
        }

        var key: RecordKey { RecordKey(collection: "/services", name: "\(namespace)/\(name)") }
    }

    /// What a Service occupies.
    struct Holding: Sendable, Equatable {
        var addresses: [IPAddress] = []
        var ports: [Int] = []

        init(_ service: Value) {
            let spec = service["spec"]
            guard spec["type"].string != "ExternalName" else { return }
            addresses = spec["clusterIPs"].elements.compactMap { $0.string.flatMap { IPAddress($0) } }
            if addresses.isEmpty, let address = spec["clusterIP"].string.flatMap({ IPAddress($0) }) { addresses = [address] }
            for port in spec["ports"].elements.map({ $0["nodePort"] }) + [spec["healthCheckNodePort"]] {
                if let number = port.int, number > 0, !ports.contains(Int(number)) { ports.append(Int(number)) }
            }
        }

        fileprivate var slots: Set<Slot> { Set(addresses.map { Slot(.address($0)) } + ports.map { Slot(.port($0)) }) }
    }

    /// Of the flags. What one gives out of when there are no ServiceCIDRs yet.
    private let flagged: DualStack<IPNetwork>
    private let nodePorts: ClosedRange<Int>
    private let store: Store
    /// A slot that a write under way here wants for a Service.
    private struct Want: Hashable {
        let slot: Slot
        let service: String
    }

    /// By how many writes under way: what one write of a Service gives up, another of the same may still need.
    private let wanted = Mutex<[Want: Int]>([:])

    init(ranges: DualStack<IPNetwork>, nodePorts: ClosedRange<Int>, store: Store) {
        flagged = ranges
        self.nodePorts = nodePorts
        self.store = store
    }

    // MARK: Taking and letting go

    /// Takes what `service` occupies, or nothing. Every call that returns is followed by one of `settle`.
    /// - Throws: `WrittenInBetween` when somebody else has some of it.
    func take(_ service: Value) async throws {
        let (owner, holding) = (Owner(service), Holding(service))
        var taken: [Slot] = []
        do {
            // In one order, so that of all who want the same at once, one gets through.
            for slot in holding.slots.sorted(by: { $0.key.name < $1.key.name }) {
                want(slot, owner)
                taken.append(slot)
                try await take(slot, owner)
            }
        } catch {
            unwant(taken, owner)
            await free(Set(taken), owner)
            throw error
        }
    }

    /// Says how the write of a Service ended that had taken what `prepared` occupies, and lets go of what nobody needs any more.
    func settle(prepared: Value?, old: Value?, outcome: Outcome) async {
        guard let service = prepared ?? old else { return }
        let (new, before) = (prepared.map { Holding($0).slots } ?? [], old.map { Holding($0).slots } ?? [])
        // With a commit what was there before goes, without one what was new; a Service that is gone keeps nothing.
        let kept: Set<Slot> =
            switch outcome {
            case .committed: new
            case .dropped: before
            case .removed: []
            }
        let owner = Owner(service)
        unwant(new, owner)
        await free(new.union(before).subtracting(kept), owner)
    }

    private func take(_ slot: Slot, _ owner: Owner) async throws {
        do {
            _ = try await store.put(slot.key, Body(slot.object(owner)), expecting: .absent)
        } catch {
            guard case .exists(let record) = error.code, !owner.uid.isEmpty,
                Owner(record: record.object.value).uid == owner.uid
            else {
                if case .exists = error.code { throw WrittenInBetween() }
                throw APIError.internalError("an address or port could not be taken: \(error.message)")
            }
        }
    }

    /// Removes the records of slots that neither the Service nor another write of it needs. Both are asked again, right before.
    private func free(_ slots: Set<Slot>, _ owner: Owner) async {
        for slot in slots {
            guard let record = store.get(slot.key), Owner(record: record.object.value).uid == owner.uid, !isNeeded(slot, owner) else {
                continue
            }
            // Somebody else's change of the record means that it is no longer ours to remove; anything worse, repair finds.
            _ = try? await store.delete(slot.key, expecting: .revision(record.revision))
        }
    }

    private func isNeeded(_ slot: Slot, _ owner: Owner) -> Bool {
        if wanted.withLock({ $0[Want(slot: slot, service: owner.uid)] != nil }) { return true }
        guard let service = store.get(owner.key)?.object.value, Owner(service).uid == owner.uid else { return false }
        return Holding(service).slots.contains(slot)
    }

    private func want(_ slot: Slot, _ owner: Owner) {
        wanted.withLock { $0[Want(slot: slot, service: owner.uid), default: 0] += 1 }
    }

    private func unwant(_ slots: some Sequence<Slot>, _ owner: Owner) {
        wanted.withLock { wanted in
            for slot in slots {
                let want = Want(slot: slot, service: owner.uid)
                guard let count = wanted[want] else { continue }
                wanted[want] = count > 1 ? count - 1 : nil
            }
        }
    }

    /// Whether `service` may have what it asks for, as things are at this moment.
    func check(_ service: Value) throws(Refusal) {
        let (owner, holding) = (Owner(service), Holding(service))
        let ranges = ranges
        // What a Service has it keeps, also when the range is on its way out.
        for address in holding.addresses where !has(Slot(.address(address)), owner) {
            guard ranges.contains(where: { $0.hasHost(address) }) else {
                throw .address(address, "the provided network does not match the current range")
            }
        }
        for port in holding.ports where !nodePorts.contains(port) {
            throw .port(
                port,
                "provided port is not in the valid range. The range of valid ports is \(nodePorts.lowerBound)-\(nodePorts.upperBound)"
            )
        }
        for slot in holding.slots where store.get(slot.key) != nil && !has(slot, owner) { throw taken(slot) }
    }

    private func has(_ slot: Slot, _ owner: Owner) -> Bool {
        guard !owner.uid.isEmpty, let record = store.get(slot.key) else { return false }
        return Owner(record: record.object.value).uid == owner.uid
    }

    private func taken(_ slot: Slot) -> Refusal {
        switch slot.item {
        case .address(let address): .address(address, "provided IP is already allocated")
        case .port(let port): .port(port, "provided port is already allocated")
        }
    }

    // MARK: Choosing

    /// The families that Services of this cluster can have, the primary one first.
    var families: [IPFamily] { flagged.families }

    /// What addresses are given out of: the ServiceCIDRs that are ready, which they are until somebody says otherwise, and the server's own
    /// ranges as long as there is none at all.
    private var ranges: [IPNetwork] {
        let objects = ((try? store.list(Slot.ranges).records) ?? []).map(\.object.value)
        guard !objects.isEmpty else { return Array(flagged) }
        return objects.filter { object in
            object[path: "metadata", "deletionTimestamp"].isNull
                && !object["status"]["conditions"].elements.contains { $0["type"] == "Ready" && $0["status"] != "True" }
        }.flatMap { $0[path: "spec", "cidrs"].elements }.compactMap { $0.string.flatMap { IPNetwork($0) } }.filter(Self.isUsable)
    }

    /// Upstream gives nothing out of a network of IPv6 that is larger than that of one link.
    private static func isUsable(_ range: IPNetwork) -> Bool { range.family == .ipv4 || range.bits >= 64 }

    /// A free address of the first range of the family that has one.
    func freeAddress(_ family: IPFamily) -> IPAddress? {
        ranges.lazy.filter { $0.family == family }.compactMap { self.freeAddress(in: $0) }.first
    }

    /// Those in the lower band are left for people who choose theirs, as long as there are others.
    private func freeAddress(in range: IPNetwork) -> IPAddress? {
        let size = range.hostCount
        let band = min(max(16, size / 16), 256, size)
        let address = { (index: UInt128) in range.host(index).flatMap { self.store.get(Slot(.address($0)).key) == nil ? $0 : nil } }
        return Self.free(from: band + 1, to: size, address) ?? Self.free(from: 1, to: band, address)
    }

    /// Here, too, some are left for people who choose theirs, as long as there are others.
    func freePort(except taken: [Int]) -> Int? {
        let port = { (index: UInt128) in
            let port = Int(index)
            return !taken.contains(port) && self.store.get(Slot(.port(port)).key) == nil ? port : nil
        }
        let (first, last, size) = (UInt128(nodePorts.lowerBound), UInt128(nodePorts.upperBound), UInt128(nodePorts.count))
        guard size > 16 else { return Self.free(from: first, to: last, port) }
        let band = min(max(16, size / 32), 128)
        return Self.free(from: first + band, to: last, port) ?? Self.free(from: first, to: first + band - 1, port)
    }

    /// The first that is free after a random place, going around.
    private static func free<Item>(from first: UInt128, to last: UInt128, _ item: (UInt128) -> Item?) -> Item? {
        guard first <= last else { return nil }
        let start = UInt128.random(in: first...last)
        for part in [start...last, first...start] {
            for index in part { if let free = item(index) { return free } }
        }
        return nil
    }

    // MARK: Mending

    /// Makes the records agree with the Services: takes what a Service has and no record says, lets go of what is recorded for a Service
    /// that does not have it. Call before the first write; later, records of writes under way are left alone.
    ///
    /// Costs a look at every Service and every record.
    /// - Parameter quarantine: the Services that are passed over, and keep what is recorded for them.
    func repair(except quarantine: Quarantine) async throws {
        let part = "start"
        var passedOver: Set<RecordKey> = []
        for record in try store.list("/services").records {
            guard !quarantine.holds(.apiServer, part: part, .services, record.object) else {
                passedOver.insert(record.key)
                continue
            }
            try await InHand.with(.apiServer, part: part, .services, namespace: record.object.namespace, name: record.object.name) {
                try await repair(record.object.value)
            }
        }
        for collection in [Slot.addresses, Slot.ports] {
            for record in try store.list(collection).records {
                let owner = Owner(record: record.object.value)
                // What a client made by hand is no business of ours.
                guard !owner.uid.isEmpty, !passedOver.contains(owner.key), let slot = Slot(record.key), !isNeeded(slot, owner) else {
                    continue
                }
                _ = try? await store.delete(record.key, expecting: .revision(record.revision))
            }
        }
    }

    private func repair(_ service: Value) async throws {
        for slot in Holding(service).slots where store.get(slot.key) == nil {
            do {
                try await take(slot, Owner(service))
            } catch is WrittenInBetween {
                // Two Services with one address, from a database of before: the first one keeps it.
            }
        }
    }
}
