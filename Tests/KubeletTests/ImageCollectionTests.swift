import APIModel
import Synchronization
import Testing

@testable import Kubelet

/// Which images go, and when.
@Suite struct ImageCollectionTests {
    private static let minute: Whole = 60_000_000_000

    private static func image(_ id: String, size: Int64 = 10, tag: String? = nil, isPinned: Bool = false) -> Value {
        ["id": .string(id), "size": .int(Whole(size)), "repo_tags": tag.map { [.string($0)] } ?? .null, "pinned": .bool(isPinned)]
    }

    @Test func theLongestUnusedGoesFirst() {
        var uses = ImageUses()
        var policy = ImageCollectionPolicy()
        policy.kept = ["pause:1"]
        let images = [
            Self.image("a"), Self.image("b"), Self.image("c", tag: "web:1"), Self.image("d", isPinned: true),
            Self.image("e", tag: "pause:1"),
        ]
        func unused(_ used: Set<String>, at minutes: Whole) -> [String] {
            uses.unused(images, used: used, policy: policy, at: minutes * Self.minute).map(\.id)
        }
        // What was just seen may be about to be used.
        #expect(unused(["a"], at: 1).isEmpty)
        #expect(unused(["web:1"], at: 2).isEmpty)
        #expect(unused(["web:1"], at: 3) == ["b", "a"])
        #expect(unused([], at: 4) == ["b", "a", "c"])
    }

    static let disks: [(available: Whole, capacity: Whole, Whole)] = [
        (160, 1000, 0), (150, 1000, 50), (0, 1000, 200), (2000, 1000, 0), (0, 0, 0),
    ]

    @Test(arguments: disks) func fromTheUpperBoundDownToTheLower(_ available: Whole, _ capacity: Whole, _ excess: Whole) {
        #expect(ImageCollectionPolicy().excess(Observation(available: available, capacity: capacity)) == excess)
    }

    private static func collection(_ bench: Bench, _ disk: Observation?) -> ImageCollection { ImageCollection(bench.context) { disk } }

    @Test func asManyAsAreTooMuch() async throws {
        let bench = Bench { $0.imageCollection.minimumAge = 0 }
        bench.runtime.state.withLock { $0.images = ["a", "b", "c", "web:1"] }
        @Sendable func left() -> Set<String> { bench.runtime.state.withLock { $0.images } }
        try await bench.run {
            bench.client.put(.pods, makePod())
            try await bench.wait("running") { $0["phase"].string == "Running" }
            await Self.collection(bench, Observation(available: 15_000, capacity: 30_000)).look()
            #expect(left().count == 4)
            // 1500 bytes too many: two of 1024.
            await Self.collection(bench, Observation(available: 4500, capacity: 30_000)).look()
            #expect(left() == ["c", "web:1"])
            // More than there are.
            let collection = Self.collection(bench, Observation(available: 0, capacity: 1 << 30))
            await collection.look()
            #expect(left() == ["web:1"])
            #expect(
                bench.events.message("FreeDiskSpaceFailed")
                    == "Insufficient free disk space on the node's image filesystem (100% of 1.0 GiB used). Failed to free sufficient space by deleting unused images (freed 1024 bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data."
            )
            #expect(bench.events.message("ImageGCFailed") == nil)
            await collection.look()
            #expect(bench.events.message("ImageGCFailed") != nil)
        }
    }

    @Test func whatIsOffRemovesNothing() async throws {
        let bench = Bench {
            $0.imageCollection.minimumAge = 0
            $0.imageCollection.highThreshold = 100
        }
        defer { bench.directory.remove() }
        bench.runtime.state.withLock { $0.images = ["a"] }
        let collection = Self.collection(bench, Observation(available: 0, capacity: 1000))
        await collection.look()
        #expect(bench.runtime.count("RemoveImage") == 0)
        try await collection.removeAllUnused()
        #expect(bench.runtime.state.withLock { $0.images.isEmpty })
    }
}
