import APIModel

/// Storage drivers as plugins that register: asks each for the node it is on, and tells the API. Upstream: `volume/csi`'s
/// `RegistrationHandler`.
struct CSIRegistration: RegistrablePlugin {
    let drivers: CSIDrivers
    let node: CSINode
    /// How long a call of a driver may take.
    let limit: Duration
    /// Called when a driver is there.
    let arrived: @Sendable (_ name: String) -> Void

    private struct Problem: Error, CustomStringConvertible {
        var description: String
        init(_ message: String) { description = "kubernetes.io/csi: \(message)" }
    }

    func validate(_ name: String, endpoint: String, versions: [String]) throws {
        do {
            let version = try highest("ValidatePlugin", name, versions)
            if let other = drivers[name]?.version, other >= version { throw taken("ValidatePlugin", name, other) }
        } catch let problem as Problem {
            throw ConfigurationError(message: "validation failed for CSI Driver \(name) at endpoint \(endpoint): \(problem)")
        }
    }

    func register(_ name: String, endpoint: String, versions: [String]) async throws -> @Sendable () async -> Void {
        let version = try highest("RegisterPlugin", name, versions)
        let driver = CSIDriver(name: name, version: version, endpoint: endpoint, limit: limit)
        if let other = drivers.add(driver) { throw taken("RegisterPlugin", name, other) }
        do {
            try await node.install(name, try await driver.call("NodeGetInfo", .emptyObject))
        } catch {
            if drivers.remove(driver) { await node.uninstall(name) }
            throw error
        }
        arrived(name)
        return { [drivers, node] in if drivers.remove(driver) { await node.uninstall(name) } }
    }

    private func highest(_ step: String, _ name: String, _ versions: [String]) throws -> PluginVersion {
        if versions.isEmpty {
            throw Problem("\(step) for CSI driver \"\(name)\" failed. Plugin returned an empty list for supported versions")
        }
        guard let version = PluginVersion.highest(of: versions) else {
            let quoted = versions.map { "\"\($0)\"" }.joined(separator: " ")
            throw Problem("\(step) for CSI driver \"\(name)\" failed. None of the versions specified [\(quoted)] are supported")
        }
        return version
    }

    private func taken(_ step: String, _ name: String, _ version: PluginVersion) -> Problem {
        let what = "Another driver with the same name is already registered with a higher supported version: \"\(version)\""
        return Problem("\(step) for CSI driver \"\(name)\" failed. \(what)")
    }
}
