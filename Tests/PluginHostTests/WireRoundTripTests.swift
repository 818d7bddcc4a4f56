import PluginAPI
import Synchronization
import Testing

@testable import PluginHost

/// Every slot of every table, called across a wire, does what it does when called directly: the same arguments arrive, and the same results
/// come back.
@Suite struct WireRoundTripTests {
    /// Calls `table` directly and through a wire, with a witness of its own each; returns what both saw.
    static func both<Table>(
        _ descriptor: TableDescriptor, _ table: Table, from side: Peer.Side = .host, bench: WireBench = WireBench(),
        _ call: (Caller, Table, UnsafeMutableRawPointer?) -> [String]
    ) -> (direct: [String], crossed: [String]) {
        let (near, far) = side == .host ? (bench.host, bench.child) : (bench.child, bench.host)
        let witness = (direct: Witness(), crossed: Witness())
        let samples = Samples()
        let original = samples.array([table])
        let direct = call(Caller(), original.pointee, witness.direct.me) + witness.direct.take()

        far.offer(descriptor, at: original, Instance(witness.crossed.me))
        let imported = ImportedTable(descriptor, present: descriptor.present(in: original))
        imported.connect(near)
        let caller = Caller()
        let crossed = call(caller, imported.table.assumingMemoryBound(to: Table.self).pointee, imported.me) + witness.crossed.take()
        bench.cut()
        withExtendedLifetime((imported, samples, caller)) {}
        return (direct, crossed)
    }

    /// Every slot was noted by the plugin.
    private func check(_ outcome: (direct: [String], crossed: [String]), _ descriptor: TableDescriptor) {
        #expect(outcome.crossed == outcome.direct)
        for slot in descriptor.slots {
            #expect(outcome.crossed.contains { $0.split(separator: " ").first == Substring(slot.name) }, "\(slot.name) was not called")
        }
    }

    @Test func schedulerPolicy() {
        let bench = WireBench()
        let outcome = Self.both(Signatures.schedulerPolicy, WirePlugin.policy(), bench: bench) { $0.policy($1, $2) }
        check(outcome, Signatures.schedulerPolicy)
        #expect(outcome.crossed.contains("filter 0: 42 of cart-1"))
        #expect(outcome.crossed.contains { $0.contains("an odd node") })
        #expect(outcome.crossed.contains("permit 14: cart-1 of group 14 on 129 of 130") && outcome.crossed.contains("229"))
        #expect(outcome.crossed.contains("reject 4be0: too late"))
        let pod = #"shop cart-1 4be0 carts {"kind":"Pod"}"#
        #expect(outcome.crossed.contains("less 0: \(pod) 7 1099511627776 3 before \(pod) 0 1099511627776 3"))
        #expect(outcome.crossed.contains("11") && outcome.crossed.contains("prebind 0: \(pod) 7 1099511627776 3 on node-1"))
        #expect(bench.trouble.isEmpty)
    }

    @Test func fieldsWithNothingBehindThemAddNothing() throws {
        let nothing = [UInt8](repeating: 0, count: MemoryLayout<apus_pod>.stride)
        var writer = MessageWriter()
        try nothing.withUnsafeBytes { try Signatures.pod.write($0.baseAddress!, to: &writer) }
        #expect(writer.bytes == nothing)
    }

    @Test func controller() {
        let outcome = Self.both(Signatures.controller, WirePlugin.controller()) { $0.controller($1, $2) }
        check(outcome, Signatures.controller)
        #expect(outcome.crossed.contains("1501") && outcome.crossed.contains("v1/nodes before two "))
    }

    @Test func admission() {
        let outcome = Self.both(Signatures.admission, WirePlugin.admission()) { $0.admission($1, $2) }
        check(outcome, Signatures.admission)
        #expect(outcome.crossed.contains("warn mind") && outcome.crossed.contains("annotate key=value"))
        #expect(outcome.crossed.contains("validate 13: not so") && outcome.crossed.contains("422"))
    }

    @Test func runtime() {
        let outcome = Self.both(Signatures.runtime, WirePlugin.runtime()) { $0.runtime($1, $2) }
        check(outcome, Signatures.runtime)
        #expect(outcome.crossed.contains(#"4711 0 ["data 1 welcome"]"#))
        #expect(outcome.crossed.contains(#"4711 0 ["data 1 welcome", "ended"]"#))
        #expect(outcome.crossed.contains("open 2: no ports") && outcome.crossed.contains("0 9 []"))
    }

    @Test func proxy() { check(Self.both(Signatures.proxy, WirePlugin.proxy()) { $0.proxy($1, $2) }, Signatures.proxy) }

    @Test func hostLog() { check(Self.both(Signatures.hostLog, WirePlugin.log(), from: .child) { $0.log($1, $2) }, Signatures.hostLog) }

    @Test func hostObjects() {
        let outcome = Self.both(Signatures.hostObjects, WirePlugin.objects(), from: .child) { $0.objects($1, $2) }
        check(outcome, Signatures.hostObjects)
        #expect(outcome.crossed.contains("ended by 5"))
        #expect(outcome.crossed.contains("patch v1/pods shop cart-1  1 {} flags 1 me 4be0 17"))
    }

    @Test func hostKinds() {
        let outcome = Self.both(Signatures.hostKinds, WirePlugin.kinds(), from: .child) { $0.kinds($1, $2) }
        check(outcome, Signatures.hostKinds)
        #expect(outcome.crossed.contains("0 5 [\"3 95 apps/v1/deployments apps v1 Deployment\"]"))
        #expect(outcome.crossed.contains("0 5 []"))
    }

    /// `create` makes an instance that never crosses: the far side's other tables get it as their `self`.
    @Test func component() {
        let bench = WireBench()
        let samples = Samples()
        let witness = Witness()
        let table = samples.array([WirePlugin.component()])
        let controller = samples.array([WirePlugin.controller()])
        let host = samples.array([apus_host(size: UInt32(MemoryLayout<apus_host>.size), context: witness.me, service: { _, _ in nil })])
        let instance = Instance()
        bench.child.offerHost(host)
        bench.child.offer(Signatures.component, at: table, instance)
        bench.child.offer(Signatures.controller, at: controller, instance)
        let imported = (ImportedTable(Signatures.component), ImportedTable(Signatures.controller))
        imported.0.connect(bench.host)
        imported.1.connect(bench.host)

        let near = imported.0.table.assumingMemoryBound(to: apus_component.self)
        var me: UnsafeMutableRawPointer?
        var text = Caller.Text()
        #expect(text.collect { near.pointee.create(near, host, samples.bytes("{}"), &me, $0) } == APUS_INVALID)
        #expect(text.text == "no configuration" && instance.pointer == nil)
        text = Caller.Text()
        #expect(text.collect { near.pointee.create(near, host, samples.bytes(#"{"a":1}"#), &me, $0) } == APUS_OK)
        #expect(instance.pointer == witness.me)
        #expect(text.collect { near.pointee.start!(imported.0.me, $0) } == APUS_UNAVAILABLE)
        #expect(text.text == "not today")
        var again: Int64 = 0
        #expect(
            text.collect {
                imported.1.table.assumingMemoryBound(to: apus_controller.self).pointee.reconcile(
                    imported.1.me, samples.key("cart"), &again, $0)
            } == APUS_OK)
        near.pointee.stop!(imported.0.me)
        near.pointee.destroy!(imported.0.me)
        #expect(witness.take() == ["create wire {}", #"create wire {"a":1}"#, "start", "reconcile", "stop", "destroy"])
        withExtendedLifetime(imported) {}
    }

    @Test func manyThreadsAtOnce() async {
        let bench = WireBench()
        let samples = Samples()
        let witness = Witness()
        bench.child.offer(Signatures.controller, at: samples.array([WirePlugin.controller()]), Instance(witness.me))
        let imported = ImportedTable(Signatures.controller)
        imported.connect(bench.host)
        await withTaskGroup(of: Int.self) { group in
            for thread in 0..<4 {
                group.addTask {
                    let table = imported.table.assumingMemoryBound(to: apus_controller.self).pointee
                    let samples = Samples()
                    return (0..<200).count { call in
                        var again = Int64(call)
                        var text = Caller.Text()
                        let status = text.collect { table.reconcile(imported.me, samples.key("\(thread)-\(call)"), &again, $0) }
                        return status == APUS_OK && again == Int64(call) + 1500 && text.text == "v1/pods shop \(thread)-\(call) 4be0"
                    }
                }
            }
            for await right in group { #expect(right == 200) }
        }
        #expect(witness.take().count == 800)
    }
}
