import Foundation

/// A page of `docs/` as a reader follows it: files to write, commands to type, what they print.
///
/// A block of `sh` is typed. A block of `text` after it is what it prints. A block of any other language is a file, which its first line
/// names in a comment.
struct Guide {
    enum Step: Equatable {
        case write(path: String, text: String)
        case type(command: String, prints: String?)
    }

    struct Mistake: Error, Equatable, CustomStringConvertible {
        var description: String
    }

    private(set) var steps: [Step] = []

    init(_ page: String) throws {
        var block: (language: String, lines: [String])?
        for (number, line) in page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).enumerated() {
            guard line.hasPrefix("```") else {
                block?.lines.append(line)
                continue
            }
            if let ended = block {
                steps = try Self.adding(ended.language, ended.lines, to: steps, line: number + 1)
                block = nil
            } else {
                block = (String(line.dropFirst(3)), [])
            }
        }
        if block != nil { throw Mistake(description: "the last block has no end") }
    }

    private static func adding(_ language: String, _ lines: [String], to steps: [Step], line: Int) throws -> [Step] {
        let text = lines.map { $0 + "\n" }.joined()
        switch language {
        case "sh": return steps + [.type(command: text, prints: nil)]
        case "text":
            guard case .type(let command, nil)? = steps.last else {
                throw Mistake(description: "line \(line): what is printed must follow what is typed")
            }
            return steps.dropLast() + [.type(command: command, prints: text)]
        case "": throw Mistake(description: "line \(line): a block has no language")
        default:
            let words = (lines.first ?? "").split(separator: " ")
            guard words.count == 2, ["//", "#"].contains(words[0]) else {
                throw Mistake(description: "line \(line): the first line of a file must be a comment that names it")
            }
            return steps + [.write(path: String(words[1]), text: text)]
        }
    }
}

/// What a guide says is printed, against what was: whitespace between words, times and hashes differ from run to run; `…` stands for
/// anything.
struct Expectation {
    let text: String

    /// Why `output` is not what was meant, `nil` when it is. A line of only `…` stands for any number of lines.
    func difference(from output: String) -> String? {
        var rest = Self.lines(output)
        var maySkip = false
        for line in Self.lines(text) {
            if line == "…" {
                maySkip = true
                continue
            }
            guard let found = rest.firstIndex(where: { Self.matches($0, line) }), maySkip || found == 0 else {
                return "expected: \(line)\nbut found: \(rest.first ?? "nothing more")\nin:\n\(output)"
            }
            rest.removeFirst(found + 1)
            maySkip = false
        }
        return rest.isEmpty || maySkip ? nil : "not expected: \(rest[0])\nin:\n\(output)"
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { line in
            line.replacing(/\s+/, with: " ").trimmingCharacters(in: .whitespaces)
                .replacing(/\b[0-9a-f]{12,64}\b/, with: "<hash>")
                .replacing(/\b(?:[0-9]+(?:\.[0-9]+)?(?:ns|µs|us|ms|s|m|h|d))+(?!\w)/, with: "<time>")
        }.filter { !$0.isEmpty }
    }

    /// `…` within a line stands for any text.
    private static func matches(_ line: String, _ pattern: String) -> Bool {
        var pieces = pattern.components(separatedBy: "…")[...]
        guard line.hasPrefix(pieces.removeFirst()) else { return false }
        guard !pieces.isEmpty else { return line == pattern }
        var rest = line.dropFirst(pattern.prefix { $0 != "…" }.count)
        let last = pieces.removeLast()
        for piece in pieces where !piece.isEmpty {
            guard let range = rest.range(of: piece) else { return false }
            rest = rest[range.upperBound...]
        }
        return rest.hasSuffix(last)
    }
}
