import APIModel

/// Which claims drivers have made ready on this node, or were asked to, for which pods.
struct ClaimBook: Equatable, Sendable {
    struct Key: Hashable, Comparable, CustomStringConvertible, Sendable {
        var namespace: String
        var name: String
        var description: String { "\(namespace)/\(name)" }

        static func < (a: Key, b: Key) -> Bool { (a.namespace, a.name) < (b.namespace, b.name) }
    }

    struct Device: Equatable, Sendable {
        var pool: String
        var name: String
        var share: String?
        /// The requests of the claim that it is for; none means all.
        var requests: [String] = []
        /// How the runtime calls what a container gets.
        var cdi: [String] = []

        /// - Parameter request: as a container names it: with the chosen one of several after a slash, or not; empty for all.
        func serves(_ request: String) -> Bool {
            request.isEmpty || requests.isEmpty || requests.contains(request)
                || requests.contains(String(request.prefix { $0 != "/" }))
        }
    }

    struct Entry: Equatable, Sendable {
        var uid: String
        var pods: Set<String> = []
        /// The devices of each driver that has a part in it; a driver may have none to give.
        var drivers: [String: [Device]]
        /// Every driver has answered this kubelet.
        var isPrepared = false

        /// In an order that does not change.
        var devices: [(driver: String, device: Device)] {
            drivers.sorted { $0.key < $1.key }.flatMap { driver, devices in devices.map { (driver, $0) } }
        }
    }

    private(set) var entries: [Key: Entry] = [:]

    init(_ entries: [Key: Entry] = [:]) { self.entries = entries }

    subscript(key: Key) -> Entry? { entries[key] }
    var pods: Set<String> { entries.values.reduce(into: []) { $0.formUnion($1.pods) } }
    func keys(of pod: String) -> [Key] { entries.filter { $0.value.pods.contains(pod) }.keys.sorted() }
    func holds(_ pod: String) -> Bool { entries.values.contains { $0.pods.contains(pod) } }

    /// The pod uses the claim from now on.
    /// - Parameter drivers: those that have to be asked for it.
    mutating func enter(_ pod: String, _ key: Key, uid: String, drivers: some Sequence<String>) throws(ConfigurationError) {
        let known = entries[key] ?? Entry(uid: uid, drivers: Dictionary(drivers.map { ($0, []) }) { first, _ in first })
        guard known.uid == uid else {
            throw ConfigurationError(
                message:
                    "old ResourceClaim with same name \(key.name) and different UID \(known.uid) still exists (previous pod force-deleted?!)"
            )
        }
        entries[key] = known
        entries[key]?.pods.insert(pod)
    }

    mutating func note(_ devices: [Device], of driver: String, for key: Key) { entries[key]?.drivers[driver] = devices }
    mutating func prepared(_ key: Key) { entries[key]?.isPrepared = true }

    /// The pod leaves those that others use.
    /// - Returns: those that it alone has: they are to be taken back before they are forgotten.
    mutating func leave(_ pod: String) -> [Key] {
        var last: [Key] = []
        for key in keys(of: pod) {
            guard entries[key]?.pods == [pod] else {
                entries[key]?.pods.remove(pod)
                continue
            }
            // Another pod that comes before the drivers have agreed has them asked again.
            entries[key]?.isPrepared = false
            last.append(key)
        }
        return last
    }

    mutating func forget(_ key: Key) { entries[key] = nil }
}
