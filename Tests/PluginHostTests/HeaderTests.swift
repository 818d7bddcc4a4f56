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
        #expect(structures["apus_host_log"] == MemoryLayout<apus_host_log>.size / pointer - 1)
        #expect(structures["apus_host_objects"] == MemoryLayout<apus_host_objects>.size / pointer - 1)
        #expect(structures["apus_component"] == 4)
        #expect(slots.contains { $0.structure.isEmpty && $0.name == "apus_plugin_entry" })
        // And by counting the text: every `(*` of the headers' code is a slot.
        #expect(slots.filter { !$0.structure.isEmpty }.count == (try Self.functionPointers()))
    }

    private static func functionPointers() throws -> Int {
        let files = try FileManager.default.contentsOfDirectory(atPath: HeaderParser.directory).filter { $0.hasSuffix(".h") }
        return try files.reduce(0) { count, file in
            let code = try String(contentsOfFile: "\(HeaderParser.directory)/\(file)", encoding: .utf8).split(separator: "\n").filter { !$0.contains("//") }
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
                    structure: "table", name: "call", result: "const void *", parameters: ["void *self", "apus_borrowed name"], isRequired: false,
                    tag: HeaderTag(threads: "control", states: ["loaded", "running"]))
            ])
    }
}
