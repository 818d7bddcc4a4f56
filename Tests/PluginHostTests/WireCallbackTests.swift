import Dispatch
import Foundation
import PluginAPI
import Synchronization
import TestSupport
import Testing

@testable import PluginHost

/// Calls inside calls, and callbacks that outlive their call.
@Suite struct WireCallbackTests {
    private func reconcile(_ imported: ImportedTable, _ samples: Samples) -> (apus_status, String) {
        var again: Int64 = 0
        var text = Caller.Text()
        let status = text.collect {
            imported.table.assumingMemoryBound(to: apus_controller.self).pointee.reconcile(imported.me, samples.key("cart"), &again, $0)
        }
        return (status, text.text)
    }

    /// A `reconcile` that reads an object and a list: everything happens on one line, and in the host on the thread that called.
    @Test func callsNestOnOneLine() {
        let (bench, samples, witness) = (WireBench(), Samples(), Witness())
        let controller = apus_controller(
            size: UInt32(MemoryLayout<apus_controller>.size),
            reconcile: { me, _, _, error in
                let (table, context) = Witness.of(me).objectsTable
                var text = Caller.Text()
                let samples = Samples()
                let got = withExtendedLifetime(samples) { text.collect { table.get(context, samples.reference(), $0) } }
                var sink = apus_object_sink(context: me) { context, object in
                    Witness.of(context).note(object.string)
                    return object.string == "object 2" ? 9 : 0
                }
                error.say("\(got) \(text.text)")
                return Witness.of(me).list(&sink)
            }, map: nil, map_kinds: nil, cleanup: nil)
        bench.child.offer(Signatures.controller, at: samples.array([controller]), Instance(witness.me))
        let objects = WireFailureTests.offerObjects(bench, samples, witness)
        let imported = ImportedTable(Signatures.controller)
        imported.connect(bench.host)
        #expect(reconcile(imported, samples) == (APUS_OK, "0 the object"))
        #expect(
            witness.take() == [
                "get v1/pods shop cart-1 ", "list v1/pods shop cart-1   ", "object 0", "object 1", "object 2", "ended by 9",
            ])
        #expect(bench.trouble.isEmpty)
        // call, get, answer, list, and for each object a call and an answer: all by the one line that the host borrowed.
        #expect(bench.lineCount == 1)
        withExtendedLifetime((objects, imported)) {}
    }

    /// A plugin that lists inside of every object of a list is stopped, and the calls around it end well.
    @Test func depthIsLimited() {
        let (bench, samples, witness) = (WireBench(), Samples(), Witness())
        let controller = apus_controller(
            size: UInt32(MemoryLayout<apus_controller>.size),
            reconcile: { me, _, _, _ in
                var sink = apus_object_sink(context: me) { context, object in deeper(context) }
                return Witness.of(me).list(&sink)
            }, map: nil, map_kinds: nil, cleanup: nil)
        bench.child.offer(Signatures.controller, at: samples.array([controller]), Instance(witness.me))
        let objects = WireFailureTests.offerObjects(bench, samples, witness)
        let imported = ImportedTable(Signatures.controller)
        imported.connect(bench.host)
        #expect(reconcile(imported, samples).0 == APUS_OK)
        #expect(witness.take().count { $0.hasPrefix("list") } == Peer.maximumDepth)
        #expect(bench.trouble.isEmpty)
        withExtendedLifetime((objects, imported)) {}
    }

    /// Keys that are added after `map` has returned go nowhere.
    @Test func aCallbackAfterItsCallIsIgnored() {
        let (bench, samples, witness) = (WireBench(), Samples(), Witness())
        let controller = apus_controller(
            size: UInt32(MemoryLayout<apus_controller>.size), reconcile: { _, _, _, _ in APUS_OK },
            map: { me, _, _, _, keys in
                Witness.of(me).kept.withLock {
                    $0 = (
                        UInt(bitPattern: keys.pointee.context), UInt(bitPattern: unsafeBitCast(keys.pointee.add, to: UnsafeRawPointer.self))
                    )
                }
            }, map_kinds: nil, cleanup: nil)
        bench.child.offer(Signatures.controller, at: samples.array([controller]), Instance(witness.me))
        let imported = ImportedTable(Signatures.controller)
        imported.connect(bench.host)
        var keys = apus_key_sink(context: witness.me) { context, _ in Witness.of(context).note("added") }
        imported.table.assumingMemoryBound(to: apus_controller.self).pointee.map!(
            imported.me, apus_borrowed(), apus_borrowed(), apus_borrowed(), &keys)
        let (context, add) = witness.kept.withLock { $0 }
        unsafeBitCast(UnsafeRawPointer(bitPattern: add), to: type(of: keys.add))(
            UnsafeMutableRawPointer(bitPattern: context), samples.key("late"))
        #expect(witness.take().isEmpty && bench.trouble.isEmpty)
        withExtendedLifetime(imported) {}
    }

    struct Lent<Events>: @unchecked Sendable {
        // Sendable because the headers let every thread call the functions.
        let value: Events
    }

    /// Streams and subscriptions: what comes on other threads, after the call, on lines of its own.
    struct Streams {
        let bench = WireBench()
        let samples = Samples()
        let plugin = Witness()
        let listener = Witness()
        let imported = ImportedTable(Signatures.runtime)

        init(_ table: apus_runtime = WirePlugin.runtime()) {
            bench.child.offer(Signatures.runtime, at: samples.array([table]), Instance(plugin.me))
            imported.connect(bench.host)
        }

        func open(_ request: String) -> apus_status {
            let events = samples.array([
                apus_stream_events(
                    context: listener.me, data: { Witness.of($0).note("data \($1) \($2.string)") },
                    ended: {
                        Witness.of($0).note("ended")
                        Witness.of($0).whenCalled()
                    })
            ])
            var stream: UnsafeMutableRawPointer?
            var code: Int32 = 0
            var text = Caller.Text()
            return text.collect {
                imported.table.assumingMemoryBound(to: apus_runtime.self).pointee.open!(
                    imported.me, APUS_STREAM_EXEC, samples.bytes(request), events, &stream, &code, $0)
            }
        }

        /// What the plugin was lent, as it keeps it.
        func events(_ index: Int) -> Lent<apus_stream_events> {
            Lent(value: UnsafePointer(bitPattern: plugin.events.withLock { $0[index] })!.pointee)
        }
    }

    @Test func eventsComeFromOtherThreadsUntilTheEnd() async {
        let streams = Streams()
        #expect(streams.open("long") == APUS_OK)
        let events = streams.events(0)
        await onThreads(1) { _ in
            "more".withBorrowed { events.value.data(events.value.context, 2, $0) }
            events.value.ended(events.value.context)
            // Over: nobody hears it.
            "late".withBorrowed { events.value.data(events.value.context, 2, $0) }
            events.value.ended(events.value.context)
        }
        #expect(streams.listener.take() == ["data 1 welcome", "data 2 more", "ended"])
        #expect(streams.bench.trouble.isEmpty)
        streams.bench.cut()
        #expect(streams.listener.take().isEmpty)
    }

    @Test func aStreamThatEndsWhileItOpensEndsAfterItOpened() {
        let streams = Streams()
        #expect(streams.open("short") == APUS_OK)
        #expect(streams.listener.take() == ["data 1 welcome", "ended"])
    }

    /// A stream that did not open has no end, whatever the plugin says.
    @Test func aStreamThatFailedToOpenNeverEnds() {
        var table = WirePlugin.runtime()
        table.open = { me, _, _, events, _, _, _ in
            events.pointee.ended(events.pointee.context)
            return APUS_FAULT
        }
        let streams = Streams(table)
        #expect(streams.open("short") == APUS_FAULT)
        streams.bench.cut()
        #expect(streams.listener.take().isEmpty)
    }

    /// A piece that another thread has while the stream opens waits for the answer: after a refusal there is nobody to take it.
    @Test(arguments: [APUS_OK, APUS_FAULT]) func piecesWaitUntilTheStreamIsOpen(_ answer: apus_status) {
        var table = WirePlugin.runtime()
        table.open = { me, kind, request, events, _, _, _ in
            let (witness, lent) = (Witness.of(me), Lent(value: events.pointee))
            let begun = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                begun.signal()
                "early".withBorrowed { lent.value.data(lent.value.context, 1, $0) }
                witness.whenCalled()
            }
            begun.wait()
            return request.string == "0" ? APUS_OK : APUS_FAULT
        }
        let streams = Streams(table)
        let isDone = DispatchSemaphore(value: 0)
        streams.plugin.onCall { isDone.signal() }
        #expect(streams.open("\(answer)") == answer)
        isDone.wait()
        #expect(streams.listener.take() == (answer == APUS_OK ? ["data 1 early"] : []))
    }

    @Test func aLostPeerEndsItsStreamsOnce() async {
        let streams = Streams()
        for _ in 0..<3 { #expect(streams.open("long") == APUS_OK) }
        #expect(streams.open("short") == APUS_OK)
        _ = streams.listener.take()
        await onThreads(4) { [bench = streams.bench] _ in bench.host.lose("is gone") }
        #expect(streams.listener.take() == ["ended", "ended", "ended"])
        #expect(streams.open("long") == APUS_UNAVAILABLE)
        #expect(streams.listener.take().isEmpty)
    }

    /// A piece that is being taken while the peer is lost is taken to its end first.
    @Test func theEndWaitsForThePieceBeforeIt() async throws {
        let streams = Streams()
        let (entered, leave) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let slow = streams.samples.array([
            apus_stream_events(
                context: streams.listener.me,
                data: { context, _, bytes in
                    Witness.of(context).whenCalled()
                    Witness.of(context).note("data \(bytes.string)")
                }, ended: { Witness.of($0).note("ended") })
        ])
        streams.listener.onCall {}
        var stream: UnsafeMutableRawPointer?
        var text = Caller.Text()
        var code: Int32 = 0
        let table = streams.imported.table.assumingMemoryBound(to: apus_runtime.self).pointee
        #expect(
            text.collect { table.open!(streams.imported.me, APUS_STREAM_EXEC, streams.samples.bytes("long"), slow, &stream, &code, $0) }
                == APUS_OK)
        streams.listener.onCall {
            entered.signal()
            leave.wait()
        }
        let events = streams.events(0)
        let isDone = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            "slow".withBorrowed { events.value.data(events.value.context, 1, $0) }
            isDone.signal()
        }
        await onThreads(1) { [bench = streams.bench, listener = streams.listener] _ in
            entered.wait()
            bench.host.lose("is gone")
            listener.note("lost")
            leave.signal()
            bench.cutLines()
            isDone.wait()
        }
        // Who sends a piece does not hear when it has been taken.
        var told: [String] = []
        try await eventually("the end after \(told)") {
            told += streams.listener.take()
            return told.last == "ended"
        }
        #expect(told == ["data welcome", "lost", "data slow", "ended"])
    }

    @Test func changesAreToldForEver() async {
        let streams = Streams()
        let events = streams.samples.array([
            apus_runtime_events(context: streams.listener.me) { Witness.of($0).note("changed \($1.string) \($2.string)") }
        ])
        var reliable: Int32 = 0
        #expect(
            streams.imported.table.assumingMemoryBound(to: apus_runtime.self).pointee.subscribe!(streams.imported.me, events, &reliable)
                == APUS_OK)
        #expect(reliable == 1)
        let lent = Lent(value: UnsafePointer<apus_runtime_events>(bitPattern: streams.plugin.events.withLock { $0[0] })!.pointee)
        await onThreads(3) { number in "s\(number)".withBorrowed { lent.value.changed(lent.value.context, $0, apus_borrowed()) } }
        #expect(streams.listener.take().sorted() == ["changed s0 ", "changed s1 ", "changed s2 "])
    }
}

/// Lists again, inside of a list.
private func deeper(_ context: UnsafeMutableRawPointer?) -> Int32 {
    var sink = apus_object_sink(context: context) { context, _ in deeper(context) }
    _ = Witness.of(context).list(&sink)
    return 1
}

/// Runs `body` on threads of its own, and waits for them.
private func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    await withTaskGroup(of: Void.self) { group in
        for number in 0..<count {
            group.addTask {
                await withCheckedContinuation { continuation in
                    Thread.detachNewThread {
                        body(number)
                        continuation.resume()
                    }
                }
            }
        }
    }
}
