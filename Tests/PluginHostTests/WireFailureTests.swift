import Dispatch
import Glibc
import PluginAPI
import Synchronization
import Testing

@testable import PluginHost

/// A far side that is lost, late, flooding or lying costs the call under way, and nobody waits for ever.
@Suite struct WireFailureTests {
    /// A bench whose child offers one table, and that table as the host sees it.
    struct Setup<Table> {
        let bench = WireBench()
        let samples = Samples()
        let witness = Witness()
        let imported: ImportedTable
        var table: Table { imported.table.assumingMemoryBound(to: Table.self).pointee }
        var me: UnsafeMutableRawPointer { imported.me }

        init(_ descriptor: TableDescriptor, _ table: Table, deadline: Duration? = nil) {
            imported = ImportedTable(descriptor, deadline: deadline)
            bench.child.offer(descriptor, at: samples.array([table]), Instance(witness.me))
            imported.connect(bench.host)
        }
    }

    private static func reconcile(_ setup: Setup<apus_controller>) -> (status: apus_status, text: String) {
        var again: Int64 = 0
        var text = Caller.Text()
        let status = text.collect { setup.table.reconcile(setup.me, setup.samples.key("cart"), &again, $0) }
        return (status, text.text)
    }

    private static func controller(
        _ reconcile:
            @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<apus_key>, UnsafeMutablePointer<Int64>, UnsafePointer<apus_sink>) ->
            apus_status
    )
        -> apus_controller
    {
        apus_controller(
            size: UInt32(MemoryLayout<apus_controller>.size), reconcile: reconcile, map: WirePlugin.controller().map, map_kinds: nil,
            cleanup: nil)
    }

    @Test func aTableWithoutAPeerIsUnavailable() {
        let setup = Setup(Signatures.controller, WirePlugin.controller())
        setup.imported.disconnect("was ended by signal 11 (SIGSEGV)")
        #expect(Self.reconcile(setup) == (APUS_UNAVAILABLE, "was ended by signal 11 (SIGSEGV)"))
        setup.imported.connect(setup.bench.host)
        #expect(Self.reconcile(setup).status == APUS_OK)
        setup.bench.host.lose("is gone")
        #expect(Self.reconcile(setup) == (APUS_UNAVAILABLE, "is gone"))
        #expect(setup.witness.take() == ["reconcile"])
    }

    @Test func aLineThatBreaksIsUnavailable() {
        let setup = Setup(
            Signatures.controller,
            Self.controller { me, _, _, _ in
                // As when the process dies: nothing is answered.
                Witness.of(me).whenCalled()
                return APUS_OK
            })
        let entered = DispatchSemaphore(value: 0)
        let leave = DispatchSemaphore(value: 0)
        setup.witness.onCall {
            entered.signal()
            leave.wait()
        }
        let bench = setup.bench
        DispatchQueue.global().async {
            entered.wait()
            bench.cutLines()
            leave.signal()
        }
        #expect(Self.reconcile(setup) == (APUS_UNAVAILABLE, "was ended: lost"))
        #expect(bench.host.isLost)
    }

    @Test func aCallThatIsLateEndsThePeer() {
        let setup = Setup(
            Signatures.controller,
            Self.controller { me, _, _, _ in
                Witness.of(me).whenCalled()
                return APUS_OK
            }, deadline: .milliseconds(50))
        let leave = DispatchSemaphore(value: 0)
        setup.witness.onCall { leave.wait() }
        #expect(Self.reconcile(setup).status == APUS_UNAVAILABLE)
        #expect(setup.bench.trouble == [.timedOut(slot: "reconcile", after: .milliseconds(50))])
        leave.signal()
    }

    /// What is called inside a call counts against the outer deadline: here the host waits for the child's `next`, which never returns.
    @Test func aCallBackThatIsLateCountsAgainstTheCall() {
        let setup = Setup(
            Signatures.controller,
            Self.controller { me, _, _, _ in
                var sink = apus_object_sink(context: me) { context, _ in
                    Witness.of(context).whenCalled()
                    return 0
                }
                return Witness.of(me).list(&sink)
            }, deadline: .milliseconds(50))
        let leave = DispatchSemaphore(value: 0)
        setup.witness.onCall { leave.wait() }
        let host = Self.offerObjects(setup.bench, setup.samples, setup.witness)
        #expect(Self.reconcile(setup).status == APUS_UNAVAILABLE)
        #expect(setup.bench.trouble == [.timedOut(slot: "reconcile", after: .milliseconds(50))])
        leave.signal()
        setup.bench.cut()
        withExtendedLifetime(host) {}
    }

    /// A far side that calls back again and again: each time just when the deadline has passed, and never so that anybody waits.
    private final class RestlessLine: Line, LineSource {
        private let calls = Mutex(2)
        func send(_ message: [UInt8], deadline: ContinuousClock.Instant?) throws(LineError) {}
        func receive(deadline: ContinuousClock.Instant?) throws(LineError) -> [UInt8] {
            let left = calls.withLock { calls in
                calls -= 1
                return calls
            }
            guard left >= 0, let deadline else { throw .lost }
            while ContinuousClock.now <= deadline { sched_yield() }
            var writer = MessageWriter()
            MessageHeader(kind: .call, table: Signatures.hostLog.number).write(to: &writer)
            writer.word(UInt64(APUS_LOG_INFO))
            writer.word(0)
            return writer.bytes
        }
        func borrow() throws(LineError) -> any Line { self }
        func giveBack(_ line: any Line, isUsable: Bool) {}
    }

    @Test func aFarSideThatNeverStopsCallingBackIsLate() {
        let (samples, witness, trouble) = (Samples(), Witness(), Locked<[Peer.Trouble]>([]))
        let host = Peer(.host, lines: RestlessLine()) { what in
            trouble.change { $0.append(what) }
            return "was ended"
        }
        host.offer(Signatures.hostLog, at: samples.array([WirePlugin.log()]), Instance(witness.me))
        let imported = ImportedTable(Signatures.controller, deadline: .milliseconds(20))
        imported.connect(host)
        var again: Int64 = 0
        var text = Caller.Text()
        let table = imported.table.assumingMemoryBound(to: apus_controller.self).pointee
        #expect(text.collect { table.reconcile(imported.me, samples.key("cart"), &again, $0) } == APUS_UNAVAILABLE)
        #expect(trouble.value == [.timedOut(slot: "reconcile", after: .milliseconds(20))])
        #expect(witness.take().isEmpty)
        withExtendedLifetime((samples, imported)) {}
    }

    /// The host hears of a flood while the plugin is still at it.
    @Test func aFloodedSinkEndsThePeer() {
        let setup = Setup(
            Signatures.controller,
            Self.controller { me, _, _, error in
                for _ in 0..<65 { error.say(String(repeating: "x", count: 1024)) }
                Witness.of(me).whenCalled()
                return APUS_OK
            })
        let leave = DispatchSemaphore(value: 0)
        setup.witness.onCall { leave.wait() }
        #expect(Self.reconcile(setup).status == APUS_UNAVAILABLE)
        #expect(setup.bench.trouble == [.flooded(slot: "reconcile", limit: 64 << 10)])
        leave.signal()
    }

    /// What is just not too much crosses whole.
    @Test func aFullSinkIsNoFlood() {
        let setup = Setup(
            Signatures.controller,
            Self.controller { _, _, _, error in
                for _ in 0..<64 { error.say(String(repeating: "x", count: 1024)) }
                return APUS_OK
            })
        #expect(Self.reconcile(setup) == (APUS_OK, String(repeating: "x", count: 64 << 10)))
    }

    @Test func whatTheHostCannotSendIsAFault() {
        let setup = Setup(Signatures.controller, WirePlugin.controller())
        var key = setup.samples.key("cart").pointee
        key.name.count = 1 << 40
        var again: Int64 = 0
        var text = Caller.Text()
        #expect(text.collect { setup.table.reconcile(setup.me, &key, &again, $0) } == APUS_FAULT)
        #expect(text.text == "a message of more than 256 MiB does not cross")
        #expect(Self.reconcile(setup).status == APUS_OK)
    }

    @Test func columnsOutsideOfSharedMemoryAreRefused() {
        let lines = WireBench()
        let host = Peer(.host, lines: lines.host.lines, sharedMemory: 0x1000..<0x2000) { "\($0)" }
        let imported = ImportedTable(Signatures.schedulerPolicy)
        imported.connect(host)
        let table = imported.table.assumingMemoryBound(to: apus_scheduler_policy.self).pointee
        let samples = Samples()
        var feasible: [UInt64] = [1]
        var text = Caller.Text()
        #expect(text.collect { table.filter!(imported.me, samples.pod(), samples.nodes(1), &feasible, nil, $0) } == APUS_FAULT)
        #expect(text.text == "filter was called with columns outside of shared memory")
        withExtendedLifetime(imported) {}
    }

    /// A table of objects that the witness can call in the host.
    static func offerObjects(_ bench: WireBench, _ samples: Samples, _ witness: Witness, _ table: apus_host_objects = WirePlugin.objects())
        -> ImportedTable
    {
        bench.host.offer(Signatures.hostObjects, at: samples.array([table]), Instance(witness.me))
        let imported = ImportedTable(Signatures.hostObjects)
        imported.connect(bench.child)
        witness.objects.withLock { $0 = (UInt(bitPattern: imported.me), UInt(bitPattern: imported.table)) }
        return imported
    }
}

extension Witness {
    var objectsTable: (apus_host_objects, UnsafeMutableRawPointer?) {
        let (me, table) = objects.withLock { $0 }
        return (UnsafePointer<apus_host_objects>(bitPattern: table)!.pointee, UnsafeMutableRawPointer(bitPattern: me))
    }

    func list(_ sink: UnsafePointer<apus_object_sink>) -> apus_status {
        let (table, context) = objectsTable
        let samples = Samples()
        return withExtendedLifetime(samples) { table.list(context, samples.reference(), apus_borrowed(), apus_borrowed(), sink) }
    }
}
