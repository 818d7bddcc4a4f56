import APIModel
import FileSystem
import Glibc
import Logging

/// Who says that the machine goes down, and waits with that until the node is ready for it.
protocol ShutdownSource: Sendable {
    /// Tells each time that the machine is about to go down (`true`), which waits until `each` returns, and that it does not after all.
    /// Returns when cancelled.
    func follow(_ each: @Sendable (_ isGoingDown: Bool) async -> Void) async
}

/// logind, over D-Bus. Upstream: `nodeshutdown/systemd`.
struct Logind: ShutdownSource {
    /// Where the bus listens.
    var bus = Self.systemBus
    /// Where settings of logind's can be added.
    var settings = "/etc/systemd/logind.conf.d"
    /// How long it is to wait with going down, in seconds.
    let delay: Whole
    let disk: BlockingWork
    let log: Logger

    static let systemBus = "/run/dbus/system_bus_socket"

    private static let name = "org.freedesktop.login1"
    private static let path = "/org/freedesktop/login1"
    private static let manager = "org.freedesktop.login1.Manager"
    /// How often logind is asked whether it knows its new setting, every half second.
    private static let attempts = 10

    /// Throws when logind is not there, or does not wait long enough: then it is told to, and asked again.
    func prepare() async throws {
        do {
            let bus = bus
            let connection = try await disk.run { try SystemBus(bus) }
            if try await wait(connection) >= delay { return }
            let (settings, delay) = (settings, delay)
            try await disk.run {
                let directory = try Directory.make(settings, mode: 0o755)
                let text = "# Kubelet logind override\n\n[Login]\nInhibitDelayMaxSec=\(delay)\n"
                try Files.replace("\(directory.path)/99-kubelet.conf", Array(text.utf8), mode: 0o644)
                // It reads its settings anew when it hangs up.
                _ = try connection.call(
                    BusMessage(
                        call: "KillUnit", of: "org.freedesktop.systemd1.Manager", at: "/org/freedesktop/systemd1",
                        to: "org.freedesktop.systemd1", [.string("systemd-logind.service"), .string("all"), .int32(SIGHUP)]))
            }
            var current: Whole = 0
            for _ in 0..<Self.attempts {
                current = try await wait(connection)
                if current >= delay { return }
                try await Task.sleep(for: .milliseconds(500))
            }
            throw ConfigurationError(
                message:
                    "node shutdown manager was timed out after \(Self.attempts) attempts waiting for logind InhibitDelayMaxSec to update to \(delay)s (ShutdownGracePeriod), current value is \(current)s"
            )
        } catch {
            throw ConfigurationError(
                message:
                    "shutdownGracePeriod needs logind, which is asked at \(bus): \(error). Start dbus and systemd-logind, or leave the setting out"
            )
        }
    }

    /// How long logind waits, in seconds.
    private func wait(_ connection: SystemBus) async throws -> Whole {
        try await disk.run {
            let answer = try connection.call(
                BusMessage(
                    call: "Get", of: "org.freedesktop.DBus.Properties", at: Self.path, to: Self.name,
                    [.string(Self.manager), .string("InhibitDelayMaxUSec")]))
            guard let microseconds = answer.number else { throw ConfigurationError(message: "InhibitDelayMaxUSec is no number") }
            return Whole(Int64(clamping: microseconds)) / 1_000_000
        }
    }

    func follow(_ each: @Sendable (Bool) async -> Void) async {
        while !Task.isCancelled {
            do { try await followOne(each) } catch {
                if Task.isCancelled { return }
                log.warning("logind cannot be followed: \(error)")
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// A descriptor that makes logind wait while it is open.
    private final class Lock: Sendable {
        private let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
    }

    private func lock(_ connection: SystemBus) async throws -> Lock {
        try await disk.run {
            Lock(
                try connection.descriptor(
                    BusMessage(
                        call: "Inhibit", of: Self.manager, at: Self.path, to: Self.name,
                        [.string("shutdown"), .string("kubelet"), .string("Kubelet needs time to handle node shutdown"), .string("delay")]))
            )
        }
    }

    private func followOne(_ each: @Sendable (Bool) async -> Void) async throws {
        let bus = bus
        let connection = try await disk.run { try SystemBus(bus) }
        try await withTaskCancellationHandler {
            var held: Lock? = try await lock(connection)
            try await disk.run {
                let rule = "type='signal',interface='\(Self.manager)',member='PrepareForShutdown',path='\(Self.path)'"
                _ = try connection.call(
                    BusMessage(
                        call: "AddMatch", of: "org.freedesktop.DBus", at: "/org/freedesktop/DBus", to: "org.freedesktop.DBus",
                        [.string(rule)]))
            }
            while !Task.isCancelled {
                let signal = try await disk.run { try connection.signal() }
                guard signal.member == "PrepareForShutdown", signal.interface == Self.manager, let isGoingDown = signal.bool else {
                    continue
                }
                await each(isGoingDown)
                // From here on it may go down.
                if isGoingDown { held = nil } else if held == nil { held = try await lock(connection) }
            }
            _ = held
        } onCancel: {
            connection.hangUp()
        }
    }
}
