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
    static let nodePorts = 30_000...32_767

    /// Why a Service cannot have what it asks for.
    struct Refusal: Error {
        var message: String
    }

    /// One thing that can be taken: the record that says so.
    fileprivate struct Slot: Hashable, Sendable {
        enum Item: Hashable {
            case address(IPv4Address)
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
                guard let address = IPv4Address(key.name) else { return nil }
                item = .address(address)
            default:
                guard let port = Int(key.name) else { return nil }
                item = .port(port)
            }
        }

        /// The record, owned by a Service.
        func object(_ owner: Owner) -> Value {
            let metadata: Value = [
                "name": .string(key.name), "uid": .string(UniqueID.make()), "creationTimestamp": .string(Timestamp.now()),
                "annotations": [Owner.annotation: .string(owner.uid)],
                "labels": ["ipaddress.kubernetes.io/ip-family": "IPv4", "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"],
            ]
            let parent: Value = ["resource": "services", "namespace": .string(owner.namespace), "name": .string(owner.name)]
            switch item {
            case .address:
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
        var addresses: [IPv4Address] = []
        var ports: [Int] = []

        init(_ service: Value) {
            let spec = service["spec"]
            guard spec["type"].string != "ExternalName" else { return }
            addresses = spec["clusterIPs"].elements.compactMap { $0.string.flatMap { IPv4Address($0) } }
            if addresses.isEmpty, let address = spec["clusterIP"].string.flatMap({ IPv4Address($0) }) { addresses = [address] }
            for port in spec["ports"].elements.map({ $0["nodePort"] }) + [spec["healthCheckNodePort"]] {
                if let number = port.int, number > 0, !ports.contains(Int(number)) { ports.append(Int(number)) }
            }
        }

        fileprivate var slots: Set<Slot> { Set(addresses.map { Slot(.address($0)) } + ports.map { Slot(.port($0)) }) }
    }

    private let range: IPv4Range
    private let store: Store
    /// By how many writes under way here each slot is wanted: what one of them gives up, another may still need.
    private let wanted = Mutex<[Slot: Int]>([:])

    init(range: IPv4Range, store: Store) {
        self.range = range
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
                want(slot)
                taken.append(slot)
                try await take(slot, owner)
            }
        } catch {
            unwant(taken)
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
        unwant(new)
        await free(new.union(before).subtracting(kept), Owner(service))
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
        if wanted.withLock({ $0[slot] != nil }) { return true }
        guard let service = store.get(owner.key)?.object.value, Owner(service).uid == owner.uid else { return false }
        return Holding(service).slots.contains(slot)
    }

    private func want(_ slot: Slot) { wanted.withLock { $0[slot, default: 0] += 1 } }

    private func unwant(_ slots: some Sequence<Slot>) {
        wanted.withLock { wanted in
            for slot in slots {
                guard let count = wanted[slot] else { continue }
                wanted[slot] = count > 1 ? count - 1 : nil
            }
        }
    }

    /// Whether `service` may have what it asks for, as things are at this moment.
    func check(_ service: Value) throws(Refusal) {
        let (owner, holding) = (Owner(service), Holding(service))
        let ranges = ranges
        // What a Service has it keeps, also when the range is on its way out.
        for address in holding.addresses where !ranges.contains(where: { $0.contains(address) }) && !has(Slot(.address(address)), owner) {
            throw Refusal(message: "failed to allocate IP \(address): the provided network does not match the current range")
        }
        for port in holding.ports where !Self.nodePorts.contains(port) {
            throw Refusal(
                message:
                    "provided port is not in the valid range. The range of valid ports is \(Self.nodePorts.lowerBound)-\(Self.nodePorts.upperBound)"
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
        case .address(let address): Refusal(message: "failed to allocate IP \(address): provided IP is already allocated")
        case .port: Refusal(message: "provided port is already allocated")
        }
    }

    // MARK: Choosing

    /// What addresses are given out of: the ServiceCIDRs that are ready, and the server's own range as long as there is none at all.
    private var ranges: [IPv4Range] {
        let objects = ((try? store.list(Slot.ranges).records) ?? []).map(\.object.value)
        guard !objects.isEmpty else { return [range] }
        return objects.filter { object in
            object[path: "metadata", "deletionTimestamp"].isNull && Conditions.isTrue(object["status"], type: "Ready")
        }.flatMap { $0[path: "spec", "cidrs"].elements }.compactMap { $0.string.flatMap { IPv4Range($0) } }
    }

    /// A free address of the first range that has one.
    func freeAddress() -> IPv4Address? { ranges.lazy.compactMap { self.freeAddress(in: $0) }.first }

    /// Those in the lower band are left for people who choose theirs, as long as there are others.
    private func freeAddress(in range: IPv4Range) -> IPv4Address? {
        let band = min(max(16, range.size / 16), 256, range.size)
        let isFree = { (index: UInt32) in self.store.get(Slot(.address(range.address(index))).key) == nil }
        return (Self.free(from: band + 1, to: range.size, isFree: isFree) ?? Self.free(from: 1, to: band, isFree: isFree))
            .map { range.address($0) }
    }

    func freePort(except taken: [Int]) -> Int? {
        Self.free(from: UInt32(Self.nodePorts.lowerBound), to: UInt32(Self.nodePorts.upperBound)) {
            !taken.contains(Int($0)) && store.get(Slot(.port(Int($0))).key) == nil
        }.map(Int.init)
    }

    /// The first free one after a random place, going around.
    private static func free(from first: UInt32, to last: UInt32, isFree: (UInt32) -> Bool) -> UInt32? {
        guard first <= last else { return nil }
        let count = last - first + 1
        let start = UInt32.random(in: 0..<count)
        for step in 0..<count where isFree(first + (start + step) % count) { return first + (start + step) % count }
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
