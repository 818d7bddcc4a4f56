import Synchronization

/// The drivers of claims that are there, by name. There may be two of a name for a while, when one takes the other's place. Safe from any
/// task.
final class DRADrivers: Sendable {
    private let drivers = Mutex<[String: [DRADriver]]>([:])
    /// Set when there are others than before.
    let changed = Wakeup()

    /// The newest of a name, unless only an older one answers.
    subscript(name: String) -> DRADriver? {
        drivers.withLock { drivers in
            let known = drivers[name] ?? []
            return known.last(where: \.isConnected) ?? known.last
        }
    }

    var all: [DRADriver] { drivers.withLock { $0.values.flatMap { $0 } } }
    /// Whether there is one of that name that answers.
    func isUsable(_ name: String) -> Bool { drivers.withLock { $0[name]?.contains(where: \.isConnected) ?? false } }
    /// The same of all.
    var usable: [String: Bool] { drivers.withLock { $0.mapValues { $0.contains(where: \.isConnected) } } }

    /// Throws when somebody has that endpoint already.
    fileprivate func add(_ driver: DRADriver) throws {
        try drivers.withLock { drivers in
            if drivers[driver.name]?.contains(where: { $0.endpoint == driver.endpoint }) ?? false {
                throw ConfigurationError(
                    message: "endpoint \(driver.endpoint) already registered for DRA driver plugin \(driver.name)")
            }
            drivers[driver.name, default: []].append(driver)
        }
        changed.set()
    }

    fileprivate func remove(_ driver: DRADriver) {
        drivers.withLock { drivers in
            drivers[driver.name]?.removeAll { $0 === driver }
            if drivers[driver.name]?.isEmpty ?? false { drivers[driver.name] = nil }
        }
        driver.close()
        changed.set()
    }
}

/// Drivers of claims as plugins that register. Upstream: `cm/dra/plugin`'s `DRAPluginManager`.
struct DRARegistration: RegistrablePlugin {
    let drivers: DRADrivers

    func validate(_ name: String, endpoint: String, versions: [String]) throws {
        _ = try service(of: name, endpoint, versions)
    }

    func register(_ name: String, endpoint: String, versions: [String]) async throws -> @Sendable () async -> Void {
        let driver = DRADriver(name: name, endpoint: endpoint, service: try service(of: name, endpoint, versions))
        await driver.look()
        try drivers.add(driver)
        return { [drivers] in drivers.remove(driver) }
    }

    /// The first that both can talk. What others say is the version is the service here.
    private func service(of name: String, _ endpoint: String, _ services: [String]) throws(ConfigurationError) -> String {
        if let service = services.first(where: DRADriver.services.contains) { return service }
        func listed(_ services: [String]) -> String { "[" + services.map { "\"\($0)\"" }.joined(separator: " ") + "]" }
        let problem =
            services.isEmpty
            ? "empty list of supported gRPC services (aka supported versions)"
            : "none of services supported by the plugin (\(listed(services))) are supported by the kubelet (\(listed(DRADriver.services)))"
        throw ConfigurationError(
            message: "invalid supported gRPC versions of DRA driver plugin \(name) at endpoint \(endpoint): \(problem)")
    }
}
