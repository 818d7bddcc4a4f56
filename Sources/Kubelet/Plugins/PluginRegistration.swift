import APIModel
import Logging
import Synchronization

/// A kind of plugin that registers by a socket.
protocol RegistrablePlugin: Sendable {
    /// Throws when the plugin cannot be used, or another of its name is there already.
    func validate(_ name: String, endpoint: String, versions: [String]) throws
    /// Takes it in.
    /// - Returns: what takes it back.
    func register(_ name: String, endpoint: String, versions: [String]) async throws -> @Sendable () async -> Void
}

/// Takes in the plugins whose sockets are there, tells each how that went, and lets those go whose sockets went. One that hangs holds up
/// nobody else. Upstream: `kubelet/pluginmanager`.
struct PluginRegistration: Sendable {
    let sockets: PluginSockets
    /// By what a plugin says it is.
    let kinds: [String: any RegistrablePlugin]
    let log: Logger

    private struct Refusal: Error, CustomStringConvertible { var description: String }

    /// Whether a socket is there still.
    private final class Presence: Sendable {
        private let over = Mutex(false)
        private let wakeup = Wakeup()

        var isOver: Bool { over.withLock { $0 } }

        func end() {
            over.withLock { $0 = true }
            wakeup.set()
        }

        func wait(until deadline: ContinuousClock.Instant?) async { if !isOver { await wakeup.wait(until: deadline) } }
    }

    /// Works until cancelled. What is registered then stays so: another kubelet may follow.
    func run() async {
        let (changes, source) = AsyncStream<Set<PluginSockets.Socket>>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let turns = KeyedTurns()
        await withDiscardingTaskGroup { group in
            group.addTask { await sockets.run { source.yield($0) } }
            var known: [PluginSockets.Socket: Presence] = [:]
            for await found in changes {
                for (socket, presence) in known where !found.contains(socket) {
                    presence.end()
                    known[socket] = nil
                }
                for socket in found where known[socket] == nil {
                    let presence = Presence()
                    known[socket] = presence
                    // One that takes another's place waits until that is gone.
                    group.addTask { try? await turns.run(socket.path) { await serve(socket.path, presence) } }
                }
            }
            group.cancelAll()
        }
    }

    /// Registers the plugin, trying until that succeeds, and takes it back when its socket is gone.
    private func serve(_ path: String, _ presence: Presence) async {
        var wait = Duration.milliseconds(500)
        while !Task.isCancelled && !presence.isOver {
            do {
                let takeBack = try await register(path)
                await presence.wait(until: nil)
                if presence.isOver { await takeBack() }
                return
            } catch {
                if !Task.isCancelled && !presence.isOver { log.warning("\(error)") }
                await presence.wait(until: .now + wait)
                wait = min(wait * 2, .seconds(122))
            }
        }
    }

    private func register(_ path: String) async throws -> @Sendable () async -> Void {
        let plugin = PluginSocket(path, .csi)
        let info: Value
        do {
            info = try await plugin.call(
                "pluginregistration.Registration/GetInfo", .emptyObject, ("InfoRequest", "PluginInfo"), within: .seconds(1))
        } catch {
            throw Refusal(
                description: "RegisterPlugin error -- failed to get plugin info using RPC GetInfo at socket \(path), err: \(error)")
        }
        let (type, name) = (info["type"].string ?? "", info["name"].string ?? "")
        let endpoint = info["endpoint"].string.flatMap { $0.isEmpty ? nil : $0 } ?? path
        let versions = info["supported_versions"].elements.compactMap(\.string)
        guard let kind = kinds[type] else {
            throw await refuse(plugin, "RegisterPlugin error -- no handler registered for plugin type: \(type) at socket \(path)")
        }
        do { try kind.validate(name, endpoint: endpoint, versions: versions) } catch {
            throw await refuse(plugin, "RegisterPlugin error -- plugin validation failed with err: \(error)")
        }
        let takeBack: @Sendable () async -> Void
        do { takeBack = try await kind.register(name, endpoint: endpoint, versions: versions) } catch {
            throw await refuse(plugin, "RegisterPlugin error -- plugin registration failed with err: \(error)")
        }
        do { try await notify(plugin, "") } catch {
            await takeBack()
            throw Refusal(
                description: "RegisterPlugin error -- failed to send registration status at socket \(path), err: \(error)")
        }
        log.info("registered plugin", metadata: ["type": "\(type)", "name": "\(name)", "endpoint": "\(endpoint)"])
        return takeBack
    }

    private func refuse(_ plugin: PluginSocket, _ problem: String) async -> Refusal {
        // That it does not hear of it changes nothing.
        try? await notify(plugin, problem)
        return Refusal(description: problem)
    }

    /// - Parameter problem: empty for none.
    private func notify(_ plugin: PluginSocket, _ problem: String) async throws {
        _ = try await plugin.call(
            "pluginregistration.Registration/NotifyRegistrationStatus",
            ["plugin_registered": .bool(problem.isEmpty), "error": .string(problem)],
            ("RegistrationStatus", "RegistrationStatusResponse"), within: .seconds(5))
    }
}
