/// A file of variables that a container wrote for those after it: a line each, `NAME='value'`, the value as it stands between the quotes,
/// over many lines if need be. Upstream: `kubelet/util/env`.
enum EnvironmentFile {
    struct Malformed: Error, Equatable {
        /// Counted from one.
        var line: Int
    }

    /// The value of a variable, empty when there is none. Lines after the one that is wanted are not looked at.
    static func value(of key: String, in text: String) throws(Malformed) -> String {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().makeIterator()
        while let (index, whole) = lines.next() {
            let line = whole.drop(while: isBlank)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let equals = line.firstIndex(of: "="), equals > line.startIndex, !isBlank(line[line.index(before: equals)]) else {
                throw Malformed(line: index + 1)
            }
            let (name, assigned) = (line[..<equals], line[line.index(after: equals)...])
            // As in a shell: nothing is assigned, and what follows is something else.
            if let first = assigned.first, isBlank(first) {
                if name == key { return "" }
                continue
            }
            guard assigned.hasPrefix("'") else { throw Malformed(line: index + 1) }
            var (value, rest) = ("", assigned.dropFirst())
            while true {
                guard let quote = rest.firstIndex(of: "'") else {
                    value += rest + "\n"
                    guard let (_, next) = lines.next() else { throw Malformed(line: index + 1) }
                    rest = next
                    continue
                }
                value += rest[..<quote]
                let after = rest[rest.index(after: quote)...].drop(while: isBlank)
                guard after.isEmpty || after.hasPrefix("#") else { throw Malformed(line: index + 1) }
                break
            }
            if name == key { return value }
        }
        return ""
    }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
}
