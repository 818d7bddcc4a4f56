import Foundation
import PluginAPI
import Testing

@testable import PluginHost

/// The contract stands on the slots: these tests read it there.
@Suite struct HeaderTests {
    /// Parsing fails on the first slot without a tag, or with one that is wrong.
    @Test func everySlotSaysWhoMayCallItAndWhen() throws {
        let slots = try HeaderParser.slots()
        let structures = Dictionary(grouping: slots, by: \.structure).mapValues(\.count)
        // As many pointers as the compiler finds in the tables: none was overlooked.
        let pointer = MemoryLayout<UnsafeRawPointer>.size
        #expect(structures["apus_controller"] == MemoryLayout<apus_controller>.size / pointer - 1)
        #expect(structures["apus_scheduler_policy"] == MemoryLayout<apus_scheduler_policy>.size / pointer - 1)
        #expect(structures["apus_runtime"] == MemoryLayout<apus_runtime>.size / pointer - 1)
        #expect(structures["apus_proxy"] == MemoryLayout<apus_proxy>.size / pointer - 1)
        #expect(structures["apus_admission"] == MemoryLayout<apus_admission>.size / pointer - 1)
        #expect(structures["apus_host_log"] == MemoryLayout<apus_host_log>.size / pointer - 1)
        #expect(structures["apus_host_objects"] == MemoryLayout<apus_host_objects>.size / pointer - 1)
        #expect(structures["apus_host_kinds"] == MemoryLayout<apus_host_kinds>.size / pointer - 1)
        #expect(structures["apus_component"] == 4)
        #expect(slots.contains { $0.structure.isEmpty && $0.name == "apus_plugin_entry" })
        // And by counting the text: every `(*` of the headers' code is a slot.
        #expect(slots.filter { !$0.structure.isEmpty }.count == (try Self.functionPointers()))
    }

    private static func functionPointers() throws -> Int {
        let files = try FileManager.default.contentsOfDirectory(atPath: HeaderParser.directory).filter {
            $0.hasSuffix(".h") && $0 != "json.h"
        }
        return try files.reduce(0) { count, file in
            let code = try String(contentsOfFile: "\(HeaderParser.directory)/\(file)", encoding: .utf8).split(separator: "\n").filter {
                !$0.contains("//")
            }
            return count + code.reduce(0) { $0 + $1.components(separatedBy: "(*").count - 1 }
        }
    }

    @Test(arguments: [
        ("", "table.call: has no tag"),
        ("/// Calls.", "table.call: has no tag"),
        ("/// [worker]", "table.call: [worker] is not of the form [threads & states]"),
        ("/// [worker & running] On its thread.", "table.call: [worker & running] On its thread. is not of the form [threads & states]"),
        ("/// [someone & running]", "table.call: someone is none of control, worker, any"),
        ("/// [any & walking]", "table.call: walking is none of discovered, loaded, running, stopped"),
        ("/// [any & running, loaded]", "table.call: its states are not in the order of a component's life, each once"),
        ("/// [any & running, running]", "table.call: its states are not in the order of a component's life, each once"),
        ("/// [any & running]\n    /// Calls.", "table.call: its tag is not the one last line of its comment"),
        ("/// [any & running]\n    /// [any & loaded]", "table.call: its tag is not the one last line of its comment"),
        ("/// [any & running]\n\n", "table.call: has no tag"),
    ])
    func aWrongTagIsFound(comment: String, problem: String) {
        let text = """
            typedef struct table {
                /// Before.
                /// [control & running]
                void (*APUS_NONNULL before)(void);
                \(comment)
                apus_status (*APUS_NULLABLE call)(void *APUS_NULLABLE self,
                                                  int32_t number);
            } table;
            """
        #expect { try HeaderParser.slots(in: text) } throws: { "\($0)" == problem }
    }

    @Test func aSlotIsReadAsItStands() throws {
        let text = """
            typedef struct table {
                uint32_t size; // [no tag]
                /// Calls.
                /// [control & loaded, running]
                const void *APUS_NULLABLE (*APUS_NULLABLE call)(void *APUS_NULLABLE self, // the instance
                                                                apus_borrowed name);
            } table;
            """
        #expect(
            try HeaderParser.slots(in: text) == [
                HeaderSlot(
                    structure: "table", name: "call", result: "const void *APUS_NULLABLE",
                    parameters: ["void *APUS_NULLABLE self", "apus_borrowed name"], isRequired: false,
                    tag: HeaderTag(threads: "control", states: ["loaded", "running"]))
            ])
    }

    /// What the host knows of a slot as data is what the header says of it: the same slots in the same order, with the same tags and
    /// arguments.
    @Test func theSignatureTablesAreTheHeaders() throws {
        let tables: [String: [SlotDescriptor]] = [
            "": [Signatures.entry],
            "apus_component": Signatures.component.slots,
            "apus_host": Signatures.host.slots,
            "apus_host_log": Signatures.hostLog.slots,
            "apus_host_objects": Signatures.hostObjects.slots,
            "apus_host_kinds": Signatures.hostKinds.slots,
            "apus_scheduler_policy": Signatures.schedulerPolicy.slots,
            "apus_controller": Signatures.controller.slots,
            "apus_runtime": Signatures.runtime.slots,
            "apus_proxy": Signatures.proxy.slots,
            "apus_admission": Signatures.admission.slots,
        ]
        let callbacks = [
            Signatures.sink, Signatures.objects, Signatures.kinds, Signatures.keys, Signatures.reasons, Signatures.parts,
            Signatures.waiting,
            Signatures.streamEvents,
            Signatures.runtimeEvents, Signatures.admissionNotes, Signatures.waiting,
        ]
        let known = tables.merging(callbacks.map { ($0.name, $0.slots) }) { $1 }
        let declared = Dictionary(grouping: try HeaderParser.slots(), by: \.structure)
        #expect(known.keys.sorted() == declared.keys.sorted())
        for (structure, slots) in declared {
            let table = try #require(known[structure], "no table for \(structure)")
            #expect(table.map(\.name) == slots.map(\.name), "\(structure)")
            for (descriptor, slot) in zip(table, slots) {
                let place: Comment = "\(structure).\(slot.name)"
                #expect(descriptor.tag.threads.rawValue == slot.tag.threads, place)
                #expect(Set(descriptor.tag.states.map { $0.rawValue.lowercased() }) == Set(slot.tag.states), place)
                #expect(descriptor.isRequired == slot.isRequired, place)
                #expect(descriptor.arguments.count == slot.parameters.count, place)
                for (shape, parameter) in zip(descriptor.arguments, slot.parameters) {
                    #expect(shape.fits(parameter), "\(structure).\(slot.name): \(parameter)")
                }
                #expect(slot.name == "apus_plugin_entry" || Self.text(descriptor.result) == slot.result, place)
            }
        }
    }

    /// What is given by a pointer of its own can grow: it says its size before anything else. Rows of arrays do not.
    @Test func whatIsLentBeginsWithItsSize() throws {
        let text = try HeaderParser.text()
        let parameters = try HeaderParser.slots().flatMap(\.parameters)
        let lent = Set(parameters.compactMap { $0.firstMatch(of: /const (apus_\w+) \*APUS_(?:NONNULL|NULLABLE) \w+$/)?.output.1 })
        #expect(lent.isSuperset(of: ["apus_sink", "apus_key", "apus_pod", "apus_nodes", "apus_object_ref", "apus_reasons", "apus_host"]))
        for structure in lent {
            let body = try #require(text.components(separatedBy: "struct \(structure) {").dropFirst().first, "\(structure)")
            let first = body.split(separator: "\n").first { !$0.trimmingCharacters(in: .whitespaces).hasPrefix("//") }
            #expect(first?.contains("uint32_t size; // sizeof(\(structure))") == true, "\(structure) begins with \(first ?? "")")
        }
    }

    private static func text(_ result: SlotDescriptor.Result) -> String {
        switch result {
        case .void: "void"
        case .status: "apus_status"
        case .int32: "int32_t"
        case .pointer: "const void *APUS_NULLABLE"
        }
    }
}
