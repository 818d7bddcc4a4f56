internal import Synchronization

/// The disk, from `start` on.
final class Held: Sendable {
    private let disk = Mutex<Disk?>(nil)

    var value: Disk? { disk.withLock { $0 } }
    func set(_ new: Disk) { disk.withLock { $0 = new } }
}
