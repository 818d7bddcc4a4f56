import APIModel
import FileSystem
import Glibc
import Logging
import TestSupport
import Testing

@testable import Kubelet

/// Groups of the kernel, made for the test beside those of real pods.
@Suite struct PodGroupsTests {
    /// A group in every hierarchy that the machine has, of cgroup v1 and v2; removed by `remove`.
    private struct Group {
        let path = "/apus-test-\(getpid())"
        private let hierarchies: [String]

        init() throws {
            let path = path
            let roots = ["/cpu", "/memory", ""].map { CgroupSetting.root + $0 }
            hierarchies = roots.filter { Files.isDirectory($0) && mkdir($0 + path, 0o755) == 0 }
            for hierarchy in hierarchies {
                for part in ["/burstable", "/besteffort"] { try #require(mkdir(hierarchy + path + part, 0o755) == 0) }
            }
        }

        func remove() {
            for hierarchy in hierarchies { for part in ["/burstable", "/besteffort", ""] { rmdir(hierarchy + path + part) } }
        }

        /// The number in the first of the files that there is.
        func number(_ files: String...) -> Whole? {
            files.lazy.compactMap { Files.text($0).flatMap { Whole($0.prefix { $0.isNumber }) } }.first
        }
    }

    @Test func allPodsTogetherHaveNoMoreThanThereIs() throws {
        let group = try Group()
        defer { group.remove() }
        var groups = PodGroups(memory: 64 << 20, milliCPU: 1500)
        groups.group = group.path
        #expect(groups.apply(burstable: 500).isEmpty)
        let (root, path) = (CgroupSetting.root, group.path)
        // The machine has the one or the other, unless it gives no controllers away at all.
        if let limit = group.number("\(root)/memory\(path)/memory.limit_in_bytes", "\(root)\(path)/memory.max") {
            #expect(limit == 64 << 20)
        }
        if let shares = group.number("\(root)/cpu\(path)/cpu.shares") {
            #expect(shares == 1536)
            #expect(group.number("\(root)/cpu\(path)/burstable/cpu.shares") == 512)
            #expect(group.number("\(root)/cpu\(path)/besteffort/cpu.shares") == 2)
        }
        #expect(PodGroups(memory: 1, milliCPU: 1).group == "/kubepods")
    }

    @Test func itIsToldThatTheKernelTookIt() async throws {
        let root = TemporaryDirectory()
        defer { root.remove() }
        let group = try root.directory.make("kubepods")
        try group.create("memory.max", Array("max\n".utf8), mode: 0o600)
        var groups = PodGroups(memory: 64 << 20, milliCPU: 1500)
        groups.root = root.path
        let events = RecordedEvents()
        let running = Task { [groups] in
            await groups.run(
                Allocations(), disk: BlockingWork(), log: Logger(label: "test"), told: NodeEvents(name: "node", events: events))
        }
        try await eventually("told") { events.message("NodeAllocatableEnforced") == "Updated Node Allocatable limit across pods" }
        running.cancel()
        await running.value
        #expect(Files.text(group.path + "/memory.max").map { $0.filter(\.isNumber) } == "67108864")
    }

    @Test func itIsToldThatTheKernelRefusedIt() {
        let events = RecordedEvents()
        NodeEvents(name: "node", events: events).enforced(in: "/own/kubepods", refused: ["memory.max"])
        #expect(
            events.message("FailedNodeAllocatableEnforcement")
                == "Failed to update Node Allocatable Limits [\"own\" \"kubepods\"]: the kernel refused memory.max")
    }

    @Test func whatPodsOfAClassHaveIsSummedUp() {
        let allocations = Allocations()
        func note(_ uid: String, _ quality: QualityOfService, cpu: Whole) {
            var claim = Claim(uid: uid, amounts: ["cpu": cpu])
            claim.quality = quality
            allocations.note(claim)
        }
        note("a", .burstable, cpu: 100)
        note("b", .burstable, cpu: 200)
        note("c", .guaranteed, cpu: 1000)
        #expect(allocations.milliCPU(of: .burstable) == 300)
        allocations.release("b")
        #expect(allocations.milliCPU(of: .burstable) == 100)
    }
}
