import APIModel
import Client
import Foundation
import Logging
import PluginHost
import Synchronization
import Testing

@testable import Host

/// What an object's status says while a host takes its changes up.
@Suite struct PluginObjectsTests {
    /// Every status that `p` had, in order, told to who waits for one.
    private final class Statuses: Sendable {
        private let all = Mutex<[Value]>([])
        private let news = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

        func add(_ status: Value) {
            all.withLock { $0.append(status) }
            news.continuation.yield()
        }

        /// Those that speak of a generation, when one of them has that state.
        func of(_ generation: Whole, until state: String) async -> [Value] {
            for await _ in news.stream {
                let found = all.withLock { $0.filter { $0["observedGeneration"].int == generation } }
                if found.contains(where: { $0["state"].string == state }) { return found }
            }
            return []
        }
    }

    @Test(.timeLimit(.minutes(2))) func theStatusSpeaksOfAGenerationWhenTheHostHasTakenItUp() async throws {
        try await Scene.with { scene in
            let directory = scene.directory.path
            func isThere(_ file: String) -> Bool { FileManager.default.fileExists(atPath: "\(directory)/\(file)") }
            let sha256 = try Fixture.compile("\(directory)/libraries/libp.so", in: directory)
            try Data().write(to: URL(filePath: "\(directory)/open"))
            _ = try await scene.client.create(
                .plugins,
                [
                    "metadata": ["name": "p"],
                    "spec": ["kind": "Proxy", "library": "libp.so", "component": "fixture", "sha256": .string(sha256)],
                ])

            let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let host = PluginHost(
                PluginHost.Configuration(manifestDirectory: "\(directory)/manifests", libraryDirectories: ["\(directory)/libraries"]),
                log: log)
            let cache = Cache(client: scene.client, log: log)
            let statuses = Statuses()
            let observation = cache.observe([.plugins]) { _, _, after in if let after { statuses.add(after.value["status"]) } }
            defer { observation.cancel() }
            let objects = PluginObjects(host, client: scene.client, cache: cache, log: log)
            try objects.load(try await scene.client.list(.plugins).items)
            let client = scene.client
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await cache.run() }
                try await host.start(services: HostServices(client: client, cache: cache))
                group.addTask { try await objects.run() }
                #expect(await statuses.of(1, until: "Running").last?["conditions"][0]["status"] == "True")

                // A new version that takes its time: until it serves, the one before does, and nothing is said of the new generation.
                for file in ["open", "begun"] { try FileManager.default.removeItem(atPath: "\(directory)/\(file)") }
                try await scene.patch("p", ["deadlineSeconds": 9])
                while !isThere("begun") { try await Task.sleep(for: .milliseconds(5)) }
                try Data().write(to: URL(filePath: "\(directory)/open"))
                #expect(await statuses.of(2, until: "Running").map { $0["state"].string } == ["Running"])

                try await scene.patch("p", ["enabled": false])
                #expect(await statuses.of(3, until: "Skipped").map { $0["state"].string } == ["Skipped"])
                // Where nothing runs, a first start is told of; never the state of before.
                try await scene.patch("p", ["enabled": true])
                let first = await statuses.of(4, until: "Running")
                #expect(
                    first.allSatisfy { $0["state"] == "Running" || $0["conditions"][0]["status"] == "False" && $0["state"] != "Skipped" },
                    "\(first)")
                group.cancelAll()
                while await group.nextResult() != nil {}
            }
            await host.stop()
        }
    }
}
