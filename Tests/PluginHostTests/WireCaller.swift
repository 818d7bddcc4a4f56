import PluginAPI

@testable import PluginHost

/// Calls every slot of a table and tells what came of it, so that a table across a wire can be compared with the table itself.
final class Caller {
    let samples = Samples()
    private var report: [String] = []
    private let nodes: UnsafePointer<apus_nodes>?
    init(nodes: UnsafePointer<apus_nodes>? = nil) { self.nodes = nodes }
    /// Lent beyond a call.
    private let listener = Witness()

    /// Runs `call` with a sink and reports its status and what was written.
    private func note(_ name: String, _ call: (UnsafePointer<apus_sink>) -> apus_status) {
        var text = Text()
        let status = text.collect(call)
        report.append("\(name) \(status): \(text.text)")
    }

    /// Collects what is written into a sink.
    struct Text {
        final class Pieces { var bytes: [UInt8] = [] }
        private let pieces = Pieces()
        var text: String { String(decoding: pieces.bytes, as: UTF8.self) }

        mutating func collect(_ body: (UnsafePointer<apus_sink>) -> apus_status) -> apus_status {
            var sink = apus_sink(context: Unmanaged.passUnretained(pieces).toOpaque()) { context, piece in
                Unmanaged<Pieces>.fromOpaque(context!).takeUnretainedValue().bytes += piece.array
            }
            return withExtendedLifetime(pieces) { body(&sink) }
        }
    }

    func policy(_ table: apus_scheduler_policy, _ me: UnsafeMutableRawPointer?) -> [String] {
        let nodes = nodes ?? samples.nodes(130)
        note("prefilter") { table.prefilter!(me, samples.pod(), $0) }
        for (priority, witness) in [(Int32(7), nil), (7, Witness()), (-1, Witness())] as [(Int32, Witness?)] {
            var feasible: [UInt64] = [.max, 0xff00, 3]
            var reasons = apus_reasons(context: witness?.me) { context, nodes, verdict, reason, hints in
                Witness.of(context).note("\(verdict) \(reason.string) \(hints) \([nodes[0], nodes[1], nodes[2]])")
            }
            note("filter") { error in
                withUnsafePointer(to: &reasons) {
                    table.filter!(me, samples.pod(priority: priority), nodes, &feasible, witness == nil ? nil : $0, error)
                }
            }
            report.append("\(feasible) \(witness?.take() ?? [])")
            var points = [Int32](repeating: 55, count: 130)
            note("score") { table.score!(me, samples.pod(priority: priority), nodes, feasible, &points, $0) }
            report.append("\(points)")
        }
        let heard = Witness()
        var parts = apus_parts(context: heard.me) { context, name, weight, points in
            Witness.of(context).note("\(name.string) \(weight) \(Array(UnsafeBufferPointer(start: points, count: 130)))")
        }
        let feasible: [UInt64] = [.max, 0xff00, 3]
        note("explain") { table.explain!(me, samples.pod(), nodes, feasible, &parts, $0) }
        var changed: [UInt64] = [1, 0, 1]
        note("affected") { table.affected!(me, samples.pod(), nodes, APUS_ANSWER_SCORE, &changed, $0) }
        report.append("\(changed)")
        var waiting = apus_waiting(
            context: heard.me, allow: { context, uid in Witness.of(context).note("allow \(uid.string)") },
            reject: { context, uid, reason in Witness.of(context).note("reject \(uid.string): \(reason.string)") })
        for priority in [Int32(7), -1] {
            var timeout: Int64 = 100
            note("permit") { table.permit!(me, samples.pod(priority: priority), nodes, 129, &timeout, &waiting, $0) }
            report.append("\(timeout)")
        }
        table.unreserve!(me, samples.bytes("4be0"), &waiting)
        table.observe!(me, samples.bytes("v1/nodes"), apus_borrowed(), samples.bytes("after"), &waiting)
        table.observe!(me, samples.bytes("v1/nodes"), samples.bytes("before"), apus_borrowed(), &waiting)
        for priority in [Int32(7), -1] {
            var isLess: Int32 = 4
            note("less") { table.less!(me, samples.queuedPod(priority: priority), samples.queuedPod(priority: 0), &isLess, $0) }
            report.append("\(isLess)")
            note("prebind") { table.prebind!(me, samples.queuedPod(priority: priority), samples.bytes("node-1"), $0) }
        }
        report += heard.take()
        return report
    }

    func controller(_ table: apus_controller, _ me: UnsafeMutableRawPointer?) -> [String] {
        for name in ["cart", "retry", ""] {
            var again: Int64 = 1
            note("reconcile") { table.reconcile(me, samples.key(name), &again, $0) }
            report.append("\(again)")
        }
        let witness = Witness()
        var keys = apus_key_sink(context: witness.me) { context, key in Witness.of(context).note(String(key: key.pointee)) }
        table.map!(me, samples.bytes("v1/nodes"), samples.bytes("before"), samples.bytes("one two three"), &keys)
        table.map!(me, samples.bytes("v1/nodes"), samples.bytes("before"), apus_borrowed(), &keys)
        table.map_kinds!(me, 7, &keys)
        note("cleanup") { table.cleanup!(me, $0) }
        return report + witness.take()
    }

    func admission(_ table: apus_admission, _ me: UnsafeMutableRawPointer?) -> [String] {
        let witness = Witness()
        var notes = apus_admission_notes(
            size: UInt32(MemoryLayout<apus_admission_notes>.size), context: witness.me,
            warn: { Witness.of($0).note("warn \($1.string)") }, annotate: { Witness.of($0).note("annotate \($1.string)=\($2.string)") })
        for object in ["{}", "", String(repeating: "x", count: 100_000)] {
            var code: Int32 = 0
            let request = samples.admissionRequest(object)
            note("admit") { table.admit!(me, request, &code, &notes, $0) }
            note("validate") { table.validate!(me, request, &code, &notes, $0) }
            report.append("\(code)")
        }
        return report + witness.take()
    }

    func runtime(_ table: apus_runtime, _ me: UnsafeMutableRawPointer?) -> [String] {
        var code: Int32 = 0
        note("call") {
            table.call(me, samples.bytes("RuntimeService/Version"), samples.bytes(String(repeating: "x", count: 100_000)), 2500, &code, $0)
        }
        report.append("\(code)")
        note("call") { table.call(me, apus_borrowed(), apus_borrowed(), 0, &code, $0) }
        report.append("\(code)")
        let witness = listener
        let events = samples.array([apus_runtime_events(context: witness.me) { Witness.of($0).note("changed \($1.string) \($2.string)") }])
        var reliable: Int32 = 0
        report.append("subscribe \(table.subscribe!(me, events, &reliable)) \(reliable)")
        for (kind, request) in [(APUS_STREAM_EXEC, "long"), (APUS_STREAM_ATTACH, "short"), (APUS_STREAM_PORT_FORWARD, "")] {
            let events = samples.array([
                apus_stream_events(
                    context: witness.me, data: { Witness.of($0).note("data \($1) \($2.string)") }, ended: { Witness.of($0).note("ended") })
            ])
            var stream: UnsafeMutableRawPointer?
            code = 0
            note("open") { table.open!(me, kind, samples.bytes(request), events, &stream, &code, $0) }
            report.append("\(UInt(bitPattern: stream)) \(code) \(witness.take())")
        }
        report.append("send \(table.send!(me, UnsafeMutableRawPointer(bitPattern: 4711), APUS_STREAM_STDIN, samples.bytes("ls")))")
        report.append("send \(table.send!(me, nil, APUS_STREAM_STDIN, apus_borrowed()))")
        table.close!(me, UnsafeMutableRawPointer(bitPattern: 4711))
        return report
    }

    func proxy(_ table: apus_proxy, _ me: UnsafeMutableRawPointer?) -> [String] {
        note("sync") { table.sync(me, samples.services(), $0) }
        note("cleanup") { table.cleanup(me, $0) }
        return report
    }

    func log(_ table: apus_host_log, _ me: UnsafeMutableRawPointer?) -> [String] {
        table.write(me, APUS_LOG_WARNING, samples.bytes("look out"))
        return report
    }

    func objects(_ table: apus_host_objects, _ me: UnsafeMutableRawPointer?) -> [String] {
        let reference = samples.reference()
        let witness = Witness()
        var sink = apus_object_sink(context: witness.me) { context, object in
            Witness.of(context).note(object.string)
            return object.string == "object 3" ? 5 : 0
        }
        note("get") { table.get(me, reference, $0) }
        report.append("list \(table.list(me, reference, samples.bytes("a=b"), samples.bytes("spec.nodeName=n1"), &sink)) \(witness.take())")
        report.append("dependents \(table.dependents(me, reference, samples.bytes("4be0"), samples.bytes("a"), &sink)) \(witness.take())")
        let options = samples.array([
            apus_write_options(
                size: UInt32(MemoryLayout<apus_write_options>.size), flags: APUS_WRITE_DRY_RUN, field_manager: samples.bytes("me"),
                uid: samples.bytes("4be0"), resource_version: samples.bytes("17"))
        ])
        note("create") { table.create(me, reference, samples.bytes("{}"), nil, $0) }
        note("update") { table.update(me, reference, samples.bytes("{}"), options, $0) }
        note("patch") { table.patch(me, reference, APUS_PATCH_MERGE, samples.bytes("{}"), options, $0) }
        note("apply") { table.apply(me, reference, samples.bytes("{}"), options, $0) }
        note("remove") { table.remove(me, reference, samples.bytes("{}"), nil, $0) }
        table.event(me, samples.bytes("{}"), samples.bytes("Normal"), samples.bytes("Seen"), samples.bytes("once"))
        note("fetch") { table.fetch(me, reference, $0) }
        note("remove_collection") {
            table.remove_collection(
                me, reference, samples.bytes("a=b"), samples.bytes("spec.nodeName=n1"), samples.bytes("{}"), options, $0)
        }
        report.append("fetch_list \(table.fetch_list(me, reference, samples.bytes("a=b"), samples.bytes(""), &sink)) \(witness.take())")
        return report
    }

    func kinds(_ table: apus_host_kinds, _ me: UnsafeMutableRawPointer?) -> [String] {
        let witness = Witness()
        var sink = apus_kind_sink(size: UInt32(MemoryLayout<apus_kind_sink>.size), context: witness.me) { context, kind in
            Witness.of(context).note(String(kind: kind.pointee))
        }
        var generation: Int64 = 0
        for _ in 0..<2 {
            let status = table.list(me, &generation, &sink)
            report.append("\(status) \(generation) \(witness.take())")
        }
        return report
    }
}
