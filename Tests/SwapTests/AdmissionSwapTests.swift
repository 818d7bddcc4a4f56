import APIModel
import Client
import Foundation
import PluginHost
import Synchronization
import Testing

/// Admission plugins in the API server's chain: real libraries, in this process and in one of their own.
@Suite(.serialized) struct AdmissionSwapTests {
    private static func manifest(
        _ name: String = "judge", _ library: String = "one", isolated: Bool = false, failurePolicy: String = "Fail",
        _ change: (inout Value) -> Void = { _ in }
    ) throws -> PluginManifest {
        var object: Value = [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": .string(name)],
            "spec": [
                "kind": "Admission", "library": .string("lib\(library).so"), "component": "fixture",
                "isolation": isolated ? "Process" : "None",
                "admission": [
                    "failurePolicy": .string(failurePolicy),
                    "rules": [["operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]]],
                ],
            ],
        ]
        change(&object)
        return try PluginManifest(object: object)
    }

    /// Runs `body` with a library that signs as `one` and another that signs as `two`.
    private static func with(_ manifests: [PluginManifest], _ body: @escaping @Sendable (World) async throws -> Void) async throws {
        let libraries = FileManager.default.temporaryDirectory.appendingPathComponent("admission-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: libraries, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: libraries) }
        for name in ["one", "two"] {
            try Built.compile(fixture: "admission", into: libraries, as: name, defining: ["BY=\"\(name)\"", "VERSION=\"\(name)\""])
        }
        try await World.with(manifests, libraries: [libraries], loops: { _ in [] }, body)
    }

    /// Makes a ConfigMap that tells the plugin what to do, and returns it as it was written.
    @discardableResult
    private static func create(_ name: String, telling what: String = "", in world: World) async throws -> Value {
        try await world.client.create(
            .configMaps, namespace: "default",
            [
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": ["name": .string(name), "namespace": "default", "labels": ["app": "x"], "annotations": ["do": .string(what)]],
            ]
        ).value
    }

    private static func refusal(_ what: String, in world: World) async -> APIError? {
        do {
            try await create("refused", telling: what, in: world)
            return nil
        } catch {
            return error as? APIError
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [false, true])
    func changesAndRefuses(isolated: Bool) async throws {
        try await Self.with([try Self.manifest(isolated: isolated)]) { world in
            let made = try await Self.create("plain", in: world)
            #expect(made["metadata"]["labels"]["by"].string == "one")

            let denied = await Self.refusal("deny", in: world)
            #expect(denied?.message == #"admission plugin "judge" denied the request: it was told to"#)
            #expect(denied?.code == 403 && denied?.reason == .forbidden)
            #expect(await Self.refusal("teapot", in: world)?.code == 418)

            // What makes no sense is a failure, and this plugin must be asked.
            for (what, sentence) in [
                ("fault", "it broke"), ("status", "admit answered 77, which is no status"),
                ("code", "admit gave the code 700, outside 400 to 599"),
                ("garbage", "admit answered with what is neither a JSON patch nor an object"),
                ("flood", "its warnings and annotations have more than 64 KiB"),
            ] {
                let failed = await Self.refusal(what, in: world)
                #expect(failed?.code == 500)
                #expect(failed?.message == "Internal error occurred: failed calling admission plugin \"judge\": \(sentence)")
            }
            // No slot may ask the API, which would come back here.
            #expect(await Self.refusal("call", in: world)?.message.hasSuffix("the API was refused") == true)
            let status = try #require(world.status("judge"))
            #expect(status.lastViolation == "objects.get was called from inside an admission plugin's slot")
            #expect(status.slots.map(\.name) == ["admit", "validate"])

            // Deletions are asked about, too; there is nothing to change about them.
            try await world.client.delete(.configMaps, namespace: "default", name: "plain")
        }
    }

    @Test(.timeLimit(.minutes(2))) func whoeverIsGoneOrLateIsPassedOverOrNot() async throws {
        let open = try Self.manifest("open", isolated: true, failurePolicy: "Ignore") { $0["spec"]["deadlineSeconds"] = 1 }
        try await Self.with([open]) { world in
            // It crashes, and hangs: neither keeps the request, and the plugin comes back.
            for what in ["crash", "hang"] {
                try await Self.create(what, telling: what, in: world)
                while world.status("open")?.state != .running { try await Task.sleep(for: .milliseconds(20)) }
            }
            #expect(try #require(world.status("open")).restarts >= 2)
            // Another that does not start at all must be asked: nothing gets through, until it is taken away.
            try await world.apply(Self.manifest("gone", "nowhere"), expecting: .failed)
            let refused = await Self.refusal("", in: world)
            #expect(refused?.code == 500)
            #expect(
                refused?.message.hasPrefix("Internal error occurred: failed calling admission plugin \"gone\": the plugin does not run: ")
                    == true
            )
            // What it is not for gets through all the same.
            _ = try await world.client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "other"]])
            await world.plugins.remove("gone")
            try await Self.create("after", in: world)
        }
    }

    @Test(.timeLimit(.minutes(2))) func aLateOneInThisProcessIsNotWaitedFor() async throws {
        let manifests = [try Self.manifest { $0["spec"]["deadlineSeconds"] = 1 }]
        try await Self.with(manifests) { world in
            // One call may be made where the request is, and is waited for; the other one has a thread of its own, and a deadline.
            async let first = Self.refusal("hang", in: world)
            async let second = Self.refusal("hang", in: world)
            let late = await [first, second].compactMap { $0 }.filter { $0.code == 500 }
            #expect(!late.isEmpty)
            for error in late {
                #expect(
                    error.message
                        == "Internal error occurred: failed calling admission plugin \"judge\": it did not answer within 1.0 seconds")
            }
            try await Self.create("others", in: world)
        }
    }

    /// Objects keep coming while the plugin is swapped: each is signed by one of the two, and by the new one after the swap.
    @Test(.timeLimit(.minutes(3)), arguments: [false, true])
    func swapsLoseNoRequest(isolated: Bool) async throws {
        try await Self.with([try Self.manifest()]) { world in
            let isOver = Flag()
            let made = Tally()
            @Sendable func load(_ worker: Int) async throws {
                var number = 0
                while !isOver.value {
                    let object = try await Self.create("w\(worker)-\(number)", in: world)
                    #expect(["one", "two"].contains(object["metadata"]["labels"]["by"].string))
                    number += 1
                    made.add()
                }
            }
            async let workers: Void = withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<4 { group.addTask { try await load(worker) } }
                try await group.waitForAll()
            }
            for (number, library) in ["two", "one", "two"].enumerated() {
                let before = made.value
                while made.value < before + 50 { await Task.yield() }
                try await world.apply(Self.manifest("judge", library, isolated: isolated && number == 0))
                #expect(try await Self.create("after-\(number)", in: world)["metadata"]["labels"]["by"].string == library)
            }
            // Another plugin in its place: nobody is asked by none.
            try await world.apply(Self.manifest("successor", "one") { $0["spec"]["replaces"] = "judge" })
            #expect(world.status("judge")?.state == .skipped)
            #expect(try await Self.create("last", in: world)["metadata"]["labels"]["by"].string == "one")
            isOver.value = true
            try await workers
        }
    }

    @Test(.timeLimit(.minutes(2))) func aShadowSaysWhatItWouldHaveAnswered() async throws {
        let shadow = try Self.manifest("candidate", "two") { object in
            object["spec"]["mode"] = "Shadow"
            object["spec"]["admission"]["phases"] = ["Validate"]
        }
        try await Self.with([shadow]) { world in
            try await Self.create("fine", in: world)
            try await Self.create("denied", telling: "deny", in: world)
            let seen = try await limited(60, "two requests to be compared") {
                while (world.status("candidate")?.shadow?.decided ?? 0) < 2 { try await Task.sleep(for: .milliseconds(20)) }
                return world.status("candidate")?.shadow
            }
            let status = try #require(seen)
            #expect(status.decided == 2 && status.differed == 1)
            let example = try #require(status.examples.first)
            #expect(example.subject == "create v1/configmaps default/denied")
            #expect(example.active == "allowed" && example.candidate == "denied" && example.candidateReason == "it was told to")
            #expect(try await world.client.get(.configMaps, namespace: "default", name: "fine").value["metadata"]["labels"]["by"].isNull)
        }
    }

    @Test(.timeLimit(.minutes(2))) func aPhaseWithoutASlotIsRefused() async throws {
        let example = try Built.manifest("example-admission") { $0.admission?.phases = [.mutate] }
        try await World.with([]) { _ in
            []
        } _: { world in
            try await world.apply(example, expecting: .failed)
            #expect(
                world.status("example-admission")?.reason == "spec.admission.phases has Mutate, but component fixed-images has no admit")
        }
    }

    /// The example that the documentation shows.
    @Test(.timeLimit(.minutes(2))) func theExampleWantsFixedImages() async throws {
        try await World.with([try Built.manifest("example-admission")]) { _ in
            []
        } _: { world in
            try await world.addServiceAccount()
            for (name, image, isFixed) in [
                ("none", "nginx", false), ("latest", "nginx:latest", false), ("port", "registry:5000/nginx", false),
                ("tag", "nginx:1.29", true),
                ("digest", "nginx@sha256:\(String(repeating: "0", count: 64))", true), ("both", "registry:5000/nginx:1", true),
            ] {
                do {
                    _ = try await world.client.create(
                        .pods, namespace: "default",
                        [
                            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "default"],
                            "spec": ["containers": [["name": "c", "image": .string(image)]]],
                        ])
                    #expect(isFixed, "\(image)")
                } catch let error as APIError {
                    #expect(
                        error.message
                            == "admission plugin \"example-admission\" denied the request: the image \(image) of container c may be another one tomorrow: give it a tag other than latest, or a digest"
                    )
                    #expect(!isFixed, "\(image)")
                }
            }
        }
    }
}

/// Counts what several tasks do.
private final class Tally: Sendable {
    private let count = Mutex(0)
    var value: Int { count.withLock { $0 } }
    func add() { count.withLock { $0 += 1 } }
}
