internal import APIModel
internal import OrderedCollections

/// The rules of a manifest as text, which people read: the rest of the file stays as they wrote it.
enum ManifestRules {
    private static let fields = ["apiGroups", "resources", "resourceNames", "nonResourceURLs", "verbs"]

    /// `{apiGroups: [""], resources: [pods], verbs: [get]}`
    static func line(_ rule: Value) -> String {
        let parts = fields.filter { !rule[$0].isNull }.map { field in
            "\(field): [\(rule[field].elements.compactMap(\.string).map(scalar).joined(separator: ", "))]"
        }
        return "{\(parts.joined(separator: ", "))}"
    }

    /// The manifest with these rules in place of its own; `nil` where it is not one document with `spec` as a block.
    static func replaced(in manifest: String, by rules: [Value]) -> String? {
        var lines = manifest.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
        guard !lines.contains("---"), let spec = lines.firstIndex(of: "spec:") else { return nil }
        let end = lines[(spec + 1)...].firstIndex { !$0.isEmpty && indent($0) == 0 && !$0.hasPrefix("#") } ?? lines.endIndex
        guard let first = lines[(spec + 1)..<end].first(where: { !$0.isEmpty }) else { return nil }
        let depth = indent(first)
        let space = String(repeating: " ", count: depth)
        let block = rules.isEmpty ? [] : ["\(space)rules:"] + rules.map { "\(space)  - \(line($0))" }
        if let start = lines[(spec + 1)..<end].firstIndex(where: { $0.hasPrefix("\(space)rules:") }) {
            let next = lines[(start + 1)..<end].firstIndex { !$0.isEmpty && indent($0) <= depth && !$0.hasPrefix("\(space)- ") } ?? end
            lines.replaceSubrange(start..<next, with: block)
        } else {
            lines.insert(contentsOf: block, at: end)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func indent(_ line: String) -> Int { line.prefix { $0 == " " }.count }

    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber) } ?? false
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "./_-".contains($0)) }
        return isPlain ? text : String(decoding: JSON.encode(.string(text)), as: UTF8.self)
    }
}
