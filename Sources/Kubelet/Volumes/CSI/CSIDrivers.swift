import Synchronization

/// The storage drivers that are there, by name. Safe from any task.
final class CSIDrivers: Sendable {
    private let drivers = Mutex<[String: CSIDriver]>([:])

    subscript(name: String) -> CSIDriver? { drivers.withLock { $0[name] } }

    /// Takes a driver in, unless one of its name is there that is no older. Upstream: `validateVersions`.
    /// - Returns: the other one's version then.
    func add(_ driver: CSIDriver) -> PluginVersion? {
        drivers.withLock { drivers in
            if let other = drivers[driver.name], other.version >= driver.version { return other.version }
            drivers[driver.name] = driver
            return nil
        }
    }

    /// Answers whether it was this very one.
    @discardableResult
    func remove(_ driver: CSIDriver) -> Bool {
        drivers.withLock { drivers in
            guard drivers[driver.name] === driver else { return false }
            drivers[driver.name] = nil
            return true
        }
    }
}
