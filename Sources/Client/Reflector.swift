import APIModel
import Logging

/// Keeps one resource of a cache up to date: list, then watch; watch again where it ended; list again when the version is too old; and
/// where there is no such kind, have no objects and wait for it to come.
struct Reflector: Sendable {
    let client: any Client
    let cached: CachedResource
    let options: ListOptions
    let log: Logger

    /// How often to look for a kind that nobody tells of.
    private static let patience = Duration.seconds(30)

    /// Returns when the task is cancelled.
    func run() async {
        var backoff = Backoff()
        var version: String?
        while !Task.isCancelled {
            let start = ContinuousClock.now
            let isFresh = version == nil
            let hint = cached.lastHint
            do {
                if version == nil { version = try await list() }
                try await watch(&version)
                // A server that ends every watch at once is failing.
                if ContinuousClock.now - start < .seconds(1) { try await Task.sleep(for: backoff.next()) }
            } catch let error as APIError where error.reason == .expired || error.reason == .gone {
                version = nil
                // So is one that cannot watch what it has just listed.
                if isFresh, ContinuousClock.now - start < .seconds(1) { try? await Task.sleep(for: backoff.next()) }
            } catch is CancellationError {
                return
            } catch let error as APIError where error.reason == .notFound {
                version = nil
                cached.replace([], revision: 0)
                log.info("there is no such kind; waiting for it", metadata: ["resource": "\(cached.resource)"])
                await cached.waitForKind(after: hint, atMost: Self.patience)
            } catch {
                let delay = backoff.next()
                log.warning("watching failed", metadata: ["resource": "\(cached.resource)", "error": "\(error)", "retry": "\(delay)"])
                try? await Task.sleep(for: delay)
            }
        }
    }

    private func list() async throws -> String {
        let list = try await client.list(cached.resource, namespace: nil, options: options)
        cached.replace(list.items, revision: UInt64(list.resourceVersion) ?? 0)
        return list.resourceVersion
    }

    /// - Parameter version: what has been seen; kept so that the next watch begins there.
    private func watch(_ version: inout String?) async throws {
        var options = options
        options.resourceVersion = version ?? ""
        for try await event in try await client.watch(cached.resource, namespace: nil, options: options) {
            let metadata = event.object.metadata
            if let resourceVersion = metadata["resourceVersion"].string { version = resourceVersion }
            if event.kind != .bookmark {
                cached.apply(
                    namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "",
                    event.kind == .deleted ? nil : event.object)
            }
            if let revision = version.flatMap({ UInt64($0) }) { cached.advance(to: revision) }
        }
    }
}
