internal import CatalogueData

/// What is said of types and fields to those who read about the API. Few need it, so it is read when a document is made and not with the
/// catalogue.
struct Descriptions: Sendable {
    static let all = Descriptions(apus_descriptions())

    struct Entry: Sendable {
        var text = ""
        var fields: [String: String] = [:]
    }

    /// By the type's full name; `*` has the fields of kinds that say nothing of them themselves.
    let entries: [String: Entry]

    /// A table that does not keep to the form it explains is a broken build, hence the preconditions.
    private init(_ table: apus_table) {
        var entries: [String: Entry] = [:]
        var (package, name) = ("", "")
        for line in UnsafeBufferPointer(start: table.bytes, count: Int(table.count)).split(separator: UInt8(ascii: "\n")) {
            let words = String(decoding: line, as: UTF8.self).split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
            switch words[0] {
            case "":
                precondition(words.count == 3, "a description of a field of \(name) has no text")
                if words[1] == "=" {
                    let same = entries["\(package).\(words[2])"]?.fields ?? [:]
                    entries[name]?.fields = same
                } else {
                    entries[name]?.fields[String(words[1])] = String(words[2])
                }
            case "package": package = String(words[1])
            case "type":
                name = words[1] == "*" ? "*" : "\(package).\(words[1])"
                entries[name] = Entry(text: words.count > 2 ? String(words[2]) : "")
            default: precondition(line.first == UInt8(ascii: "#"), "the descriptions have a line of an unknown form: \(words[0])")
            }
        }
        self.entries = entries
    }

    /// What is said of a type; nil for nothing.
    func type(_ name: String) -> String? { entries[name].flatMap { $0.text.isEmpty ? nil : $0.text } }

    /// What is said of a field.
    /// - Parameter isKind: whether the type is that of whole objects.
    func field(_ name: String, of type: String, isKind: Bool) -> String? {
        entries[type]?.fields[name] ?? (isKind ? entries["*"]?.fields[name] : nil)
    }
}
