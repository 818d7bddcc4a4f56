import APIModel
import Testing

@testable import Client

struct SuspectsTests {
    private static func key(_ name: String, _ loop: InHand.Loop = .scheduler, part: String = "") -> InHand.Key {
        InHand.Key(loop: loop, part: part, resource: .pods, namespace: "default", name: name)
    }

    @Test func aKeyIsPutAsideAtTheSecondCrash() {
        var suspects = Suspects()
        #expect(suspects.note(Self.key("a"), at: 100, reason: "once").isPutAside == false)
        #expect(suspects.ask(Self.key("a")) { "1" } == .free)
        #expect(suspects.note(Self.key("a"), at: 101, reason: "twice").isPutAside)
        #expect(suspects.putAside.map(\.reason) == ["twice"])
        #expect(suspects.ask(Self.key("a")) { "1" } == .heldAndSeen)
        #expect(suspects.ask(Self.key("a")) { "1" } == .held)
        // For whom it was, and nobody else.
        #expect(suspects.ask(Self.key("a", .kubelet)) { "1" } == .free)
        #expect(suspects.ask(Self.key("a", part: "x")) { "1" } == .free)
        #expect(suspects.ask(Self.key("b")) { "1" } == .free)
    }

    @Test func aChangeGivesAnotherTry() {
        var suspects = Suspects()
        for time in [1, 2] as [Whole] { suspects.note(Self.key("a"), at: time, reason: "") }
        #expect(suspects.ask(Self.key("a")) { "1" } == .heldAndSeen)
        #expect(suspects.ask(Self.key("a")) { "2" } == .changed)
        #expect(suspects.ask(Self.key("a")) { "2" } == .free)
        #expect(suspects.all.isEmpty)
        // And it takes two more.
        suspects.note(Self.key("a"), at: 3, reason: "")
        #expect(suspects.putAside.isEmpty)
    }

    @Test func aSingleCrashIsForgotten() {
        var suspects = Suspects()
        suspects.note(Self.key("a"), at: 0, reason: "")
        suspects.note(Self.key("b"), at: Suspects.memory + 1, reason: "")
        #expect(suspects.all.map(\.key.name) == ["b"])
        suspects.note(Self.key("a"), at: Suspects.memory + 2, reason: "")
        #expect(suspects.putAside.isEmpty)
        // One that is put aside is not.
        suspects.note(Self.key("b"), at: Suspects.memory + 3, reason: "")
        suspects.note(Self.key("c"), at: 9 * Suspects.memory, reason: "")
        #expect(suspects.putAside.map(\.key.name) == ["b"])
    }

    @Test func anotherObjectOfTheNameIsTheSameKey() {
        var suspects = Suspects()
        var key = Self.key("a")
        for uid in ["1", "2"] {
            key.uid = uid
            suspects.note(key, at: 1, reason: "")
        }
        #expect(suspects.putAside.map(\.key.uid) == ["2"])
    }

    private static let pod: Value = [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a", "uid": "1", "resourceVersion": "7", "labels": ["x": "1"]],
        "spec": ["nodeName": "n"], "status": ["phase": "Running"],
    ]

    /// What makes another object of it, and what does not.
    @Test(
        arguments: [
            (["status", "phase"], "Failed", false), (["metadata", "resourceVersion"], "8", false), (["metadata", "uid"], "2", true),
            (["metadata", "labels"], ["x": "2"], true), (["metadata", "deletionTimestamp"], "2026-01-01T00:00:00Z", true),
            (["spec", "nodeName"], "m", true), (["spec", "priority"], 5, true),
        ] as [([String], Value, Bool)])
    func fingerprints(field: [String], value: Value, isAnother: Bool) {
        var changed = Self.pod
        changed[field[0]][field[1]] = value
        #expect((Suspects.fingerprint(Object(changed)) != Suspects.fingerprint(Object(Self.pod))) == isAnother)
        #expect(Suspects.fingerprint(nil) != Suspects.fingerprint(Object(Self.pod)))
    }
}

struct QuarantineTests {
    private static let pod = Object(["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "a", "namespace": "default", "uid": "1"]])

    @Test func passesOverUntilReleasedAndTellsWhoeverWaits() async {
        let (kept, keep) = AsyncStream.makeStream(of: Suspects.self)
        let (released, release) = AsyncStream.makeStream(of: String.self)
        let quarantine = Quarantine { keep.yield($0) }
        quarantine.observe(.kubelet) { release.yield($0.name) }
        quarantine.observe(.scheduler) { _ in release.yield("the scheduler's") }
        let key = InHand.Key(loop: .kubelet, resource: .pods, namespace: "default", name: "a")
        quarantine.note(key, at: 1, reason: "")
        #expect(!quarantine.holds(.kubelet, .pods, Self.pod))
        quarantine.note(key, at: 2, reason: "")
        #expect(quarantine.holds(.kubelet, .pods, Self.pod))
        #expect(!quarantine.holds(.scheduler, .pods, Self.pod))
        // What is kept is what another start begins with.
        var writes = kept.makeAsyncIterator()
        for _ in 0..<2 { _ = await writes.next() }
        let next = Quarantine(await writes.next() ?? Suspects())
        #expect(next.holds(.kubelet, .pods, Self.pod))
        #expect(next.suspects.putAside.first?.fingerprint == Suspects.fingerprint(Self.pod))

        #expect(quarantine.release { $0.key.name == "b" }.isEmpty)
        #expect(quarantine.release { $0.key.name == "a" }.map(\.key) == [key])
        var names = released.makeAsyncIterator()
        #expect(await names.next() == "a")
        #expect(!quarantine.holds(.kubelet, .pods, Self.pod))
        #expect(await writes.next()?.all.isEmpty == true)
    }
}
