import Foundation

/// A function that the ABI's headers declare: a slot of a structure, or an exported function.
struct HeaderSlot: Equatable {
    /// Empty for an exported function.
    var structure: String
    var name: String
    /// The result and the parameters as written.
    var result: String
    var parameters: [String]
    /// Whether it may be absent.
    var isRequired: Bool
    var tag: HeaderTag
}

/// `[control & loaded, running]`
struct HeaderTag: Hashable {
    static let threads = ["control", "worker", "any"]
    static let states = ["discovered", "loaded", "running", "stopped"]

    var threads: String
    /// In the order of a component's life.
    var states: [String]
}

/// Reads the headers as a person does: what a structure holds, and the comment above it.
struct HeaderParser {
    struct Mistake: Error, Equatable, CustomStringConvertible {
        var slot: String
        var description: String
        init(_ slot: String, _ problem: String) {
            self.slot = slot
            description = "\(slot): \(problem)"
        }
    }

    static let directory = Workshop.root + "/Sources/PluginAPI/include/apus"

    /// Every function of every header, by header and line.
    static func slots() throws -> [HeaderSlot] {
        // What json.h has is no part of the contract: functions that libraries in C may call themselves.
        let files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".h") && $0 != "json.h" }.sorted()
        return try files.flatMap { try slots(in: String(contentsOfFile: "\(directory)/\($0)", encoding: .utf8)) }
    }

    /// All headers, one after another.
    static func text() throws -> String {
        let files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".h") }.sorted()
        return try files.map { try String(contentsOfFile: "\(directory)/\($0)", encoding: .utf8) }.joined(separator: "\n")
    }

    static func slots(in text: String) throws -> [HeaderSlot] {
        var slots: [HeaderSlot] = []
        var structure = ""
        var comment: [String] = []
        var declaration = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map({ $0.trimmingCharacters(in: .whitespaces) }) {
            if line.hasPrefix("///") {
                comment.append(line.dropFirst(3).trimmingCharacters(in: .whitespaces))
                continue
            }
            let code = line.prefix { $0 != "/" }.trimmingCharacters(in: .whitespaces)
            if code.isEmpty || code.hasPrefix("#") || code.hasPrefix("extern \"C\"") {
                if line.isEmpty { comment = [] }
                continue
            }
            if let match = code.wholeMatch(of: /(?:typedef )?struct (\w+) \{/) {
                (structure, comment) = (String(match.1), [])
            } else if code.hasPrefix("}") {
                (structure, comment) = ("", [])
            } else {
                declaration += (declaration.isEmpty ? "" : " ") + code
                guard code.hasSuffix(";") else { continue }
                if let slot = try slot(declaration, structure, comment) { slots.append(slot) }
                (declaration, comment) = ("", [])
            }
        }
        return slots
    }

    /// `nil` for what is no function.
    private static func slot(_ declaration: String, _ structure: String, _ comment: [String]) throws -> HeaderSlot? {
        let plain = declaration.replacingOccurrences(of: "APUS_EXPORT ", with: "")
        if let match = plain.wholeMatch(of: /(.*?)\(\*(APUS_\w+) (\w+)\)\((.*)\);/) {
            let name = String(match.3)
            return HeaderSlot(
                structure: structure, name: name, result: words(match.1), parameters: parameters(match.4),
                isRequired: match.2 == "APUS_NONNULL",
                tag: try tag(comment, of: "\(structure).\(name)"))
        }
        if let match = plain.wholeMatch(of: /([^(]*?)(\w+)\((.*)\);/), !plain.hasPrefix("typedef") {
            let name = String(match.2)
            return HeaderSlot(
                structure: "", name: name, result: words(match.1), parameters: parameters(match.3), isRequired: true,
                tag: try tag(comment, of: name))
        }
        return nil
    }

    private static func parameters(_ text: Substring) -> [String] { text == "void" ? [] : text.split(separator: ",").map { words($0) } }

    private static func words(_ text: Substring) -> String { text.trimmingCharacters(in: .whitespaces) }

    /// The last line of the comment, and no other, is the tag.
    private static func tag(_ comment: [String], of slot: String) throws -> HeaderTag {
        let candidates = comment.filter { $0.hasPrefix("[") }
        guard let line = candidates.first else { throw Mistake(slot, "has no tag") }
        guard candidates.count == 1, comment.last == line else { throw Mistake(slot, "its tag is not the one last line of its comment") }
        guard let match = line.wholeMatch(of: /\[(\w+) & ([\w, ]+)\]/) else {
            throw Mistake(slot, "\(line) is not of the form [threads & states]")
        }
        let (threads, states) = (String(match.1), match.2.split(separator: ", ", omittingEmptySubsequences: false).map(String.init))
        guard HeaderTag.threads.contains(threads) else {
            throw Mistake(slot, "\(threads) is none of \(HeaderTag.threads.joined(separator: ", "))")
        }
        for state in states where !HeaderTag.states.contains(state) {
            throw Mistake(slot, "\(state) is none of \(HeaderTag.states.joined(separator: ", "))")
        }
        guard states == HeaderTag.states.filter(states.contains) else {
            throw Mistake(slot, "its states are not in the order of a component's life, each once")
        }
        return HeaderTag(threads: threads, states: states)
    }
}
