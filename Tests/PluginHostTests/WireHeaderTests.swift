import Foundation
import Testing

@testable import PluginHost

/// The signature tables say what the headers say: the same slots in the same order, with the same tags and arguments of the same kind.
@Suite struct WireHeaderTests {
    static let structures: [(header: String, structure: String, slots: [SlotDescriptor])] =
        [
            ("controller", "apus_controller", Signatures.controller.slots),
            ("scheduler_policy", "apus_scheduler_policy", Signatures.schedulerPolicy.slots),
            ("runtime", "apus_runtime", Signatures.runtime.slots),
            ("proxy", "apus_proxy", Signatures.proxy.slots),
            ("host", "apus_host_log", Signatures.hostLog.slots),
            ("host", "apus_host_objects", Signatures.hostObjects.slots),
            ("plugin", "apus_host", Signatures.host.slots),
            ("plugin", "apus_component", Signatures.component.slots),
        ] + callbacks.map { ($0.header, $0.callbacks.name, $0.callbacks.slots) }

    static let callbacks: [(header: String, callbacks: Callbacks)] = [
        ("types", Signatures.sink), ("controller", Signatures.keys), ("host", Signatures.objects), ("scheduler_policy", Signatures.reasons),
        ("runtime", Signatures.streamEvents), ("runtime", Signatures.runtimeEvents),
    ]

    struct Slot: Equatable {
        var name: String
        var result: String
        var parameters: [String]
        var isRequired: Bool
        var tag: SlotTag?
    }

    static func header(_ name: String) throws -> String { try String(contentsOfFile: "\(Workshop.root)/Sources/PluginAPI/include/apus/\(name).h", encoding: .utf8) }

    /// The functions of every structure of a header, by the structure's name.
    static func slots(in header: String) throws -> [String: [Slot]] {
        var found: [String: [Slot]] = [:]
        // A structure begins where its tag stands and ends with a brace at the beginning of a line.
        for piece in try Self.header(header).split(separator: #/^(?:typedef )?struct /#.anchorsMatchLineEndings()) {
            guard let name = piece.prefixMatch(of: #/(apus_\w+) \{/#)?.1, let end = piece.firstMatch(of: #/\n\}/#)?.range.lowerBound else { continue }
            var tag: SlotTag?
            var statement = ""
            for line in piece[..<end].split(separator: "\n").dropFirst() {
                let line = line.trimmingCharacters(in: .whitespaces)
                if line.hasPrefix("//") {
                    if let match = line.firstMatch(of: #/\[(control|worker|any) & ([a-z, ]+)\]/#) { tag = try Self.tag(match.1, match.2) }
                    continue
                }
                statement += line + " "
                guard line.contains(";") else { continue }
                if let match = statement.firstMatch(of: #/^(.*?)\(\*APUS_(NONNULL|NULLABLE) (\w+)\)\((.*)\);/#) {
                    found[String(name), default: []].append(
                        Slot(
                            name: String(match.3), result: match.1.trimmingCharacters(in: .whitespaces),
                            parameters: match.4.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }, isRequired: match.2 == "NONNULL", tag: tag))
                }
                tag = nil
                statement = ""
            }
        }
        return found
    }

    private static func tag(_ threads: Substring, _ states: Substring) throws -> SlotTag {
        var tag = SlotTag(try #require(SlotTag.Threads(rawValue: String(threads))))
        tag.states = try Set(
            states.split(separator: ",").map { state in try #require(PluginState.allCases.first { "\($0)".lowercased() == state.trimmingCharacters(in: .whitespaces) }) })
        return tag
    }

    @Test(arguments: structures.indices) func aTableIsItsHeader(_ index: Int) throws {
        let (header, structure, slots) = Self.structures[index]
        let expected = try #require(try Self.slots(in: header)[structure], "\(structure) is not found in \(header).h")
        #expect(slots.map(\.name) == expected.map(\.name))
        for (slot, said) in zip(slots, expected) {
            #expect(slot.tag == said.tag, "\(structure).\(slot.name)")
            #expect(slot.isRequired == said.isRequired || structure == "apus_component", "\(structure).\(slot.name)")
            #expect(slot.result.text == said.result, "\(structure).\(slot.name)")
            #expect(slot.arguments.count == said.parameters.count, "\(structure).\(slot.name)")
            for (shape, parameter) in zip(slot.arguments, said.parameters) {
                #expect(shape.fits(parameter), "\(structure).\(slot.name): \(parameter)")
            }
        }
    }

    @Test func nothingIsLeftOut() throws {
        let known = Set(Self.structures.map(\.structure))
        for header in Set(Self.structures.map(\.header)) {
            for structure in try Self.slots(in: header).keys { #expect(known.contains(structure), "\(structure) of \(header).h has slots and no signatures") }
        }
        let entry = try #require(
            try Self.header("plugin").firstMatch(of: #/\[(control|worker|any) & ([a-z, ]+)\]\n(?:APUS_EXPORT )?const apus_plugin \*APUS_NONNULL apus_plugin_entry/#))
        #expect(Signatures.entry.tag == (try Self.tag(entry.1, entry.2)))
    }

    @Test func tablesAreFoundByTheirNumber() {
        #expect(Signatures.all.map(\.number).sorted() == (0..<UInt8(Signatures.all.count)).map(\.self))
        #expect(ExtensionKind.allCases.map(\.descriptor.id) == ["apus.scheduler-policy/1", "apus.controller/1", "apus.runtime/1", "apus.proxy/1"])
    }

    @Test func deadlinesAreReplacedWhereThereIsOne() {
        let (call, send, filter) = (Signatures.runtime.slots[0], Signatures.runtime.slots[3], Signatures.schedulerPolicy.slots[1])
        #expect(filter.limit(replacement: nil) == .seconds(1))
        #expect(filter.limit(replacement: .seconds(3)) == .seconds(3))
        #expect(send.limit(replacement: .seconds(3)) == nil)
        #expect(call.limit(replacement: .seconds(3), milliseconds: 0) == nil)
        #expect(call.limit(replacement: .seconds(3), milliseconds: 10) == .seconds(3))
        #expect(call.limit(replacement: nil, milliseconds: 1500) == .milliseconds(6500))
    }
}

extension SlotDescriptor.Result {
    fileprivate var text: String {
        switch self {
        case .void: "void"
        case .status: "apus_status"
        case .int32: "int32_t"
        case .pointer: "const void *APUS_NULLABLE"
        }
    }
}

extension Shape {
    /// Whether a parameter, as the header writes it, is one of this shape.
    fileprivate func fits(_ parameter: String) -> Bool {
        switch self {
        case .me: parameter.hasPrefix("void *APUS_NULLABLE ") && ["self", "context"].contains { parameter.hasSuffix(" " + $0) }
        case .newMe: parameter == "void *APUS_NULLABLE *APUS_NONNULL self"
        case .table: parameter.hasPrefix("const apus_component *APUS_NONNULL ")
        case .host: parameter.hasPrefix("const apus_host *APUS_NONNULL ")
        case .int32: parameter.hasPrefix("int32_t ") && !parameter.contains("*")
        case .int64: parameter.hasPrefix("int64_t ") && !parameter.contains("*")
        case .bytes: parameter.hasPrefix("apus_borrowed ")
        case .text: parameter.hasPrefix("const char *APUS_NONNULL ")
        case .structure(let layout, let optional): parameter.hasPrefix("const \(layout.name) *\(optional ? "APUS_NULLABLE" : "APUS_NONNULL") ")
        case .shared: parameter.hasPrefix("const apus_nodes *APUS_NONNULL ")
        case .array(let element, _, let direction, let optional):
            parameter.hasPrefix("\(direction == .in ? "const " : "")\(element == 8 ? "uint64_t" : "int32_t") *\(optional ? "APUS_NULLABLE" : "APUS_NONNULL") ")
        case .number(let bytes, _): parameter.hasPrefix("int\(bytes * 8)_t *APUS_NONNULL ")
        case .handle: parameter == "void *APUS_NULLABLE stream"
        case .newHandle: parameter == "void *APUS_NULLABLE *APUS_NONNULL stream"
        case .sink: parameter.hasPrefix("const apus_sink *APUS_NONNULL ")
        case .callbacks(let callbacks, let optional): parameter.hasPrefix("const \(callbacks.name) *\(optional ? "APUS_NULLABLE" : "APUS_NONNULL") ")
        }
    }
}
