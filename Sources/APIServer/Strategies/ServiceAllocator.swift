import APIModel
import Synchronization

/// Which ClusterIPs and node ports are taken. Built from the Services in the store at start; the Services stay the only truth.
///
/// Every Service in the store holds each of its addresses and ports once, and so does every write in flight until it is settled; what
/// nobody holds is free.
final class ServiceAllocator: Sendable {
    static let nodePorts = 30_000...32_767

    struct Refusal: Error {
        var message: String
    }

    /// What a Service occupies.
    struct Holding: Sendable, Hashable {
        var addresses: [IPv4Address] = []
        var ports: [Int] = []
        /// The Service's uid: one Service may take what it has again.
        var owner: String

        init(_ service: Value) {
            owner = service[path: "metadata", "uid"].string ?? ""
            let spec = service["spec"]
            guard spec["type"].string != "ExternalName" else { return }
            addresses = spec["clusterIPs"].elements.compactMap { $0.string.flatMap { IPv4Address($0) } }
            if addresses.isEmpty, let address = spec["clusterIP"].string.flatMap({ IPv4Address($0) }) { addresses = [address] }
            for port in spec["ports"].elements {
                if let number = port["nodePort"].int, number > 0, !ports.contains(Int(number)) { ports.append(Int(number)) }
            }
            if let number = spec["healthCheckNodePort"].int, number > 0 { ports.append(Int(number)) }
        }
    }

    private struct Slot {
        var owner: String
        var holders: Int
    }

    private struct State {
        var addresses: [IPv4Address: Slot] = [:]
        var ports: [Int: Slot] = [:]
    }

    let range: IPv4Range
    private let state = Mutex(State())

    init(range: IPv4Range) { self.range = range }

    /// Takes what the Services in the store have. Call once, before the first write.
    func rebuild(from services: [Value]) {
        state.withLock { state in
            for service in services {
                let holding = Holding(service)
                for address in holding.addresses { Self.hold(&state.addresses, address, holding.owner) }
                for port in holding.ports { Self.hold(&state.ports, port, holding.owner) }
            }
        }
    }

    /// Takes all of `holding`, or nothing.
    func take(_ holding: Holding) throws(Refusal) {
        try state.withLock { state throws(Refusal) in
            for address in holding.addresses {
                guard range.contains(address) else {
                    throw Refusal(
                        message:
                            "failed to allocate IP \(address): the provided IP (\(address)) is not in the valid range. The range of valid IPs is \(range)"
                    )
                }
                if let slot = state.addresses[address], slot.owner != holding.owner {
                    throw Refusal(message: "failed to allocate IP \(address): provided IP is already allocated")
                }
            }
            for port in holding.ports {
                guard Self.nodePorts.contains(port) else {
                    throw Refusal(
                        message:
                            "provided port is not in the valid range. The range of valid ports is \(Self.nodePorts.lowerBound)-\(Self.nodePorts.upperBound)"
                    )
                }
                if let slot = state.ports[port], slot.owner != holding.owner {
                    throw Refusal(message: "provided port is already allocated")
                }
            }
            for address in holding.addresses { Self.hold(&state.addresses, address, holding.owner) }
            for port in holding.ports { Self.hold(&state.ports, port, holding.owner) }
        }
    }

    func release(_ holding: Holding) {
        state.withLock { state in
            for address in holding.addresses { Self.drop(&state.addresses, address) }
            for port in holding.ports { Self.drop(&state.ports, port) }
        }
    }

    /// A free address. Those in the lower band are left for people who choose theirs, as long as there are others.
    func freeAddress() -> IPv4Address? {
        state.withLock { state in
            let band = min(max(16, range.size / 16), 256, range.size)
            return Self.free(from: band + 1, to: range.size) { state.addresses[self.range.address($0)] == nil }.map { range.address($0) }
                ?? Self.free(from: 1, to: band) { state.addresses[self.range.address($0)] == nil }.map { range.address($0) }
        }
    }

    func freePort(except taken: [Int]) -> Int? {
        state.withLock { state in
            Self.free(from: UInt32(Self.nodePorts.lowerBound), to: UInt32(Self.nodePorts.upperBound)) {
                state.ports[Int($0)] == nil && !taken.contains(Int($0))
            }.map(Int.init)
        }
    }

    /// The first free one after a random place, going around.
    private static func free(from first: UInt32, to last: UInt32, isFree: (UInt32) -> Bool) -> UInt32? {
        guard first <= last else { return nil }
        let count = last - first + 1
        let start = UInt32.random(in: 0..<count)
        for step in 0..<count where isFree(first + (start + step) % count) { return first + (start + step) % count }
        return nil
    }

    private static func hold<T: Hashable>(_ slots: inout [T: Slot], _ item: T, _ owner: String) {
        slots[item, default: Slot(owner: owner, holders: 0)].holders += 1
    }

    private static func drop<T: Hashable>(_ slots: inout [T: Slot], _ item: T) {
        guard let slot = slots[item] else { return }
        slots[item] = slot.holders > 1 ? Slot(owner: slot.owner, holders: slot.holders - 1) : nil
    }
}
