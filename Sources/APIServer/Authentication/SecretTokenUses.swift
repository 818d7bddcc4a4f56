import APIModel
import Client
import Logging
import Store

/// Tokens that lie in secrets end with those alone, so it is noted on each secret on which day it was used last: what nobody uses can be
/// found, marked as good no more, and deleted. Another component does that.
final class SecretTokenUses: Sendable {
    static let invalidSince = "kubernetes.io/legacy-token-invalid-since"
    private static let lastUsed = "kubernetes.io/legacy-token-last-used"
    /// Where it stands since when uses are noted.
    static let tracking = (namespace: "kube-system", name: "kube-apiserver-legacy-service-account-token-tracking", field: "since")

    private struct Use: Hashable, Sendable {
        var namespace: String
        var name: String
        var uid: String
        var day: String
    }

    private let uses = WorkQueue<Use>()
    let metrics = ServiceAccountTokenMetrics()

    /// `2026-11-27`, the day in UTC.
    /// - Parameter time: seconds since 1970.
    static func day(_ time: Whole) -> String { String(Timestamp.format(seconds: time).prefix(10)) }

    static func isDay(_ text: String) -> Bool { text.utf8.count == 10 && Timestamp.parse("\(text)T00:00:00Z") != nil }

    /// Notes that the token in `secret` was used now, where that is not known yet. Returns at once.
    func note(_ secret: Object) {
        let today = Self.day(Clock.seconds)
        // Tomorrow, by the clock of another server.
        guard let known = secret.labels[Self.lastUsed], known == today || known == Self.day(Clock.seconds + 86_400) else {
            return uses.add(Use(namespace: secret.namespace, name: secret.name, uid: secret.uid, day: today))
        }
    }

    /// Says since when uses are noted, and writes what was noted, until the task is cancelled.
    func run(_ registry: Registry) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.beginTracking(registry) }
            group.addTask { await self.writeAll(registry) }
        }
    }

    /// Nobody waits for this: as long as it stands nowhere, no token is too old.
    private func beginTracking(_ registry: Registry) async {
        guard let storage = registry.served.storage(.configMaps) else { return }
        let target = Target(storage: storage, namespace: Self.tracking.namespace, name: Self.tracking.name)
        let write = WriteContext(registry, user: .apiserver)
        while !Task.isCancelled {
            let today = Self.day(Clock.seconds)
            let map: Value = [
                "apiVersion": "v1", "kind": "ConfigMap", "data": [Self.tracking.field: .string(today)],
                "metadata": ["name": .string(target.name), "namespace": .string(target.namespace)],
            ]
            do {
                if registry.store.get(target.key) == nil { _ = try await registry.create(target, map, write) }
                _ = try await registry.modify(target, write) { old in
                    guard !Self.isDay(old["data"][Self.tracking.field].string ?? "") else { return old }
                    var repaired = old
                    repaired["data"][Self.tracking.field] = .string(today)
                    return repaired
                }
                return
            } catch {
                registry.log.warning("it cannot be said since when tokens in secrets are tracked", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(30))
            }
        }
    }

    private func writeAll(_ registry: Registry) async {
        await withTaskCancellationHandler {
            while let use = await uses.next() {
                await write(use, registry)
                uses.done(use)
            }
        } onCancel: {
            uses.shutDown()
        }
    }

    private func write(_ use: Use, _ registry: Registry) async {
        guard let storage = registry.served.storage(.secrets) else { return }
        let target = Target(storage: storage, namespace: use.namespace, name: use.name)
        do {
            _ = try await registry.modify(target, WriteContext(registry, user: .apiserver)) { old in
                guard old["metadata"]["uid"].string == use.uid else { return old }
                var used = old
                used["metadata"]["labels"][Self.lastUsed] = .string(use.day)
                return used
            }
        } catch let error as APIError where error.reason == .notFound {
        } catch {
            registry.log.error(
                "the use of a token is not noted", metadata: ["secret": "\(use.namespace)/\(use.name)", "error": "\(error)"])
        }
    }
}
