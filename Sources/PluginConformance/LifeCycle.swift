internal import APIModel
internal import Glibc
internal import PluginAPI
internal import PluginHost

/// What every component promises, whatever it is: `apus/plugin.h`.
enum LifeCycle {
    static let loads = "library/loads"

    static let checks: [Check] = [
        Check(loads, "The library exports apus_plugin_entry for this ABI, and its component is what the manifest says.") { plugin in
            try await Hosted.load(plugin)
        },
        Check("create/config", "create answers OK to the manifest's config, and destroy may follow at once.") { plugin in
            try await direct(plugin) { try DirectInstance(plugin).destroy() }
        },
        Check(
            "create/unknown-field", "A field of config that the component does not know is refused with INVALID and named.", unknownField),
        Check(
            "create/without-services",
            "A host without a service answers null for it: create then refuses with a sentence, or does without.", withoutServices),
        Check("start", "start answers OK and the component can take calls; stop ends its work, destroy frees it.") { plugin in
            try await direct(plugin) { try started(plugin) { try exercise($0, plugin.kind) }.destroy() }
        },
        Check("stop/twice", "A second stop does nothing.") { plugin in
            try await direct(plugin) {
                let instance = try started(plugin) { _ in }
                instance.stop()
                instance.destroy()
            }
        },
        Check("stop/without-start", "stop is legal in every state, also when start was never called.") { plugin in
            try await direct(plugin) {
                let instance = try DirectInstance(plugin)
                instance.stop()
                instance.stop()
                instance.destroy()
            }
        },
        Check("stop/after-failed-start", "stop and destroy are legal after a start that failed.", afterFailedStart),
        Check("instances/two-at-once", "Two instances of a component live beside each other; one goes on when the other ends.", twoAtOnce),
        Check("instances/threads-end", "Threads are joined when stop returns: a hundred instances leave none behind.") { plugin in
            let (before, after, _) = try await hundred(plugin)
            try expect(
                after.threads - before.threads < rounds / 5,
                "a hundred instances, each started, stopped and destroyed, left \(after.threads - before.threads) threads behind; join in stop every thread that start made"
            )
        },
        Check("instances/descriptors-close", "Connections and files are closed when destroy returns.") { plugin in
            let (before, after, _) = try await hundred(plugin)
            try expect(
                after.descriptors - before.descriptors < rounds / 5,
                "a hundred instances, each started, stopped and destroyed, left \(after.descriptors - before.descriptors) descriptors open; close in stop what start opened"
            )
        },
        Check("instances/memory-returns", "destroy frees the instance: a hundred of them need no more memory than ten.") { plugin in
            let (_, _, growth) = try await hundred(plugin)
            try expect(
                growth < heapLimit,
                "each instance, started, stopped and destroyed, kept about \(growth) bytes; free in destroy what create took, and in stop what start took"
            )
        },
        Check(
            "host/quiet-after-stop", "After stop no objects.* function is called, and after destroy no host function at all.",
            quietAfterStop),
    ]

    private static let rounds = 100
    /// Bytes an instance may keep on average: noise, and what a C library caches for a thread that is gone.
    private static let heapLimit = 1024

    /// On a thread of its own; a proxy's in an empty network.
    static func direct<R: Sendable>(_ plugin: PluginUnderTest, _ body: @escaping @Sendable () throws -> R) async throws -> R {
        plugin.kind == .proxy ? try await OwnNetwork.run(body) : try await onOwnThread(body)
    }

    /// An instance that was started, used by `body` and stopped; a `start` that fails is a failure.
    @discardableResult
    private static func started(_ plugin: PluginUnderTest, _ body: (DirectInstance) throws -> Void) throws -> DirectInstance {
        let instance = try DirectInstance(plugin)
        let answer = instance.start()
        guard answer.status == APUS_OK else {
            instance.stop()
            instance.destroy()
            throw Failure("start answered \(answer.description)")
        }
        let result = Result { try body(instance) }
        instance.stop()
        try result.get()
        return instance
    }

    private static func unknownField(_ plugin: PluginUnderTest) async throws {
        let field = "conformanceUnknown"
        try await direct(plugin) {
            var config = plugin.config
            config[field] = true
            do {
                try DirectInstance(plugin, config: config).destroy()
            } catch let refused as DirectInstance.Refused {
                try expect(
                    refused.answer.status == APUS_INVALID && refused.answer.text.contains(field),
                    "create answered \(refused.answer.description) to config.\(field), which it does not know; answer INVALID with a sentence that names the field"
                )
                return
            }
            throw NotOffered("create takes fields that it does not know; an operator's typo then goes unnoticed")
        }
    }

    private static func withoutServices(_ plugin: PluginUnderTest) async throws {
        try await direct(plugin) {
            do {
                let instance = try DirectInstance(plugin, host: WatchfulHost(hasServices: false))
                instance.stop()
                instance.destroy()
            } catch let refused as DirectInstance.Refused {
                try expect(
                    !refused.answer.bytes.isEmpty,
                    "create answered \(refused.answer.description); write one sentence for the operator into the sink")
            }
        }
    }

    /// A start can only be made to fail by taking something away; a component that needs nothing starts all the same.
    private static func afterFailedStart(_ plugin: PluginUnderTest) async throws {
        try await direct(plugin) {
            guard let instance = try? DirectInstance(plugin, host: WatchfulHost(hasServices: false)) else {
                throw NotOffered("create refuses already what start would need")
            }
            let answer = instance.start()
            instance.stop()
            instance.stop()
            instance.destroy()
            guard answer.status != APUS_OK else { throw NotOffered("start needs nothing that can be taken away") }
            try expect(!answer.bytes.isEmpty, "start answered \(answer.description); write one sentence for the operator into the sink")
        }
    }

    private static func twoAtOnce(_ plugin: PluginUnderTest) async throws {
        try await direct(plugin) {
            let first = try DirectInstance(plugin)
            let second = try DirectInstance(plugin)
            let answers = [first.start(), second.start()]
            defer {
                second.stop()
                second.destroy()
            }
            first.stop()
            first.destroy()
            for (which, answer) in zip(["first", "second"], answers) where answer.status != APUS_OK {
                throw Failure(
                    "start of the \(which) of two instances answered \(answer.description); keep what belongs to an instance behind `self`, not in global variables"
                )
            }
            try exercise(second, plugin.kind)
        }
    }

    private static func quietAfterStop(_ plugin: PluginUnderTest) async throws {
        try await direct(plugin) {
            let instance = try started(plugin) { try exercise($0, plugin.kind) }
            // That nothing happens cannot be awaited, only watched for a while.
            usleep(200_000)
            instance.stop()
            instance.destroy()
            usleep(200_000)
            let objects = instance.host.called(in: [.stopped]) { $0.hasPrefix("objects.") }
            try expect(
                objects.isEmpty,
                "after stop it called \(objects.joined(separator: ", ")); end in stop whatever uses the API, and wait for it")
            let late = instance.host.called(in: [.destroyed])
            try expect(
                late.isEmpty,
                "after destroy it called \(late.joined(separator: ", ")); the host's tables are lent until destroy has returned, so say the last word before that"
            )
        }
    }

    /// Counts before and after a hundred instances that follow ten, and the bytes that each kept.
    private static func hundred(_ plugin: PluginUnderTest) async throws -> (before: ProcessCounts, after: ProcessCounts, growth: Int) {
        try await direct(plugin) {
            // One host for all, so that nothing here grows.
            let host = WatchfulHost(keepsNotes: false)
            let table = host.makeTable()
            func run(_ count: Int) throws -> ProcessCounts {
                for _ in 0..<count {
                    let instance = try DirectInstance(plugin, host: host, table: table)
                    _ = instance.start()
                    instance.stop()
                    instance.destroy()
                }
                return .now()
            }
            let before = try run(10)
            let middle = try run(rounds / 2)
            var after = try run(rounds / 2)
            // A joined thread leaves /proc a moment after the join.
            for _ in 0..<100 where after.threads > before.threads || after.descriptors > before.descriptors {
                usleep(20_000)
                let now = ProcessCounts.now()
                (after.threads, after.descriptors) = (now.threads, now.descriptors)
            }
            // What is kept once and for all shows in one half only.
            return (before, after, min(middle.heap - before.heap, after.heap - middle.heap) / (rounds / 2))
        }
    }

    /// Calls that every component of the kind must stand, to have it at work for a moment. Nothing of the machine is touched.
    private static func exercise(_ instance: DirectInstance, _ kind: ExtensionKind) throws {
        switch kind {
        case .controller:
            let table = instance.table(apus_controller.self)
            _ = Array("v1/namespaces".utf8).withBorrowed { resource in
                Array("gone".utf8).withBorrowed { name in
                    var key = apus_key(
                        size: UInt32(MemoryLayout<apus_key>.size), resource: resource, namespace_: apus_borrowed(), name: name,
                        uid: apus_borrowed())
                    var again: Int64 = 0
                    return Sentence.collect { table.reconcile(instance.me, &key, &again, $0) }
                }
            }
        case .schedulerPolicy:
            let slots = PolicySlots(instance)
            let trial = Trial(NodeSample.cluster(65), pod: .plain, for: slots)
            if slots.filter != nil { _ = try trial.filter(slots) }
            if slots.score != nil { _ = try trial.score(slots) }
        case .runtime:
            let table = instance.table(apus_runtime.self)
            _ = Array("RuntimeService/Version".utf8).withBorrowed { method in
                var code: Int32 = 0
                return Sentence.collect { table.call(instance.me, method, apus_borrowed(), 5000, &code, $0) }
            }
        case .proxy:
            let table = instance.table(apus_proxy.self)
            _ = Sentence.collect { table.cleanup(instance.me, $0) }
        case .admission:
            let slots = AdmissionSlots(instance)
            for slot in slots.offered { _ = slots.ask(slot, RequestSample.all[0]) }
        }
    }
}
