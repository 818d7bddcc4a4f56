internal import APIModel
internal import Synchronization

/// How long to wait before a Node's daemon that failed is replaced: a second, then twice as long each time, at most 15 minutes. Forgotten
/// after twice the longest wait, and when the DaemonSet is changed. A hint: a start without it waits shorter.
final class Failures: Sendable {
    private struct Place: Hashable {
        var uid: String
        var node: String

        init(_ daemonSet: Value, _ node: String) { (uid, self.node) = (daemonSet["metadata"]["uid"].string ?? "", node) }
    }
    private struct Record {
        var wait: Whole
        var since: Whole
        /// Of the DaemonSet.
        var generation: Value
    }
    private static let longest: Whole = 900
    private let records = Mutex<[Place: Record]>([:])

    /// - Parameter now: seconds since 1970.
    func wait(_ daemonSet: Value, _ node: String, now: Whole) -> Whole {
        records.withLock { records in
            guard let record = records[Place(daemonSet, node)], record.generation == daemonSet["metadata"]["generation"] else { return 0 }
            // More than the whole wait: the clock was set back.
            let left = record.since + record.wait - now
            return (0...record.wait).contains(left) ? left : 0
        }
    }

    func note(_ daemonSet: Value, _ node: String, now: Whole) {
        let (place, generation) = (Place(daemonSet, node), daemonSet["metadata"]["generation"])
        records.withLock { records in
            let old = records[place].flatMap { $0.generation == generation && now - $0.since <= 2 * Self.longest ? $0 : nil }
            records[place] = Record(wait: max(min((old?.wait ?? 0) * 2, Self.longest), 1), since: now, generation: generation)
        }
    }

    func forget(_ uid: String) { records.withLock { $0 = $0.filter { $0.key.uid != uid } } }
}
