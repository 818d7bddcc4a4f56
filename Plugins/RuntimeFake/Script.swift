internal import APIModel

/// What a hollow container does: which lines it prints at once, and when and how it ends.
///
/// The annotations `fake.apus.dev/exit-after` (`500ms`, `5s`, `2m`) and `fake.apus.dev/exit-code` decide, else the command is read as far
/// as it is `sleep N`, `exit N`, `true`, `false` or `echo …`, alone or as the script of a shell with its parts divided by `;`, `&&` or
/// newlines. Everything else runs for ever.
struct Script: Equatable {
    var lines: [String] = []
    /// Nil runs for ever.
    var end: (after: Duration, code: Int64)?

    static func == (one: Script, other: Script) -> Bool {
        one.lines == other.lines && one.end?.after == other.end?.after && one.end?.code == other.end?.code
    }

    init(container: Value, sandbox: Value) {
        func annotation(_ name: String) -> String? {
            container["annotations"]["fake.apus.dev/" + name].string ?? sandbox["annotations"]["fake.apus.dev/" + name].string
        }
        self.init(command: (container["command"].elements + container["args"].elements).compactMap(\.string))
        let (after, code) = (annotation("exit-after").flatMap(Self.duration), annotation("exit-code").map(Self.exitCode))
        if after != nil || code != nil { end = (after ?? .zero, code ?? 0) }
    }

    init(command: [String]) {
        guard let program = command.first?.split(separator: "/").last else { return }
        let isShell = ["sh", "bash", "ash"].contains(program) && command.count == 3 && command[1] == "-c"
        let steps = isShell ? Self.steps(command[2]) : [[String(program)] + command.dropFirst()]
        var elapsed = Duration.zero
        for step in steps {
            switch step.first {
            case "echo": lines.append(step.dropFirst().joined(separator: " "))
            case "true", ":": break
            case "false":
                end = (elapsed, 1)
                return
            case "exit":
                end = (elapsed, step.dropFirst().first.map(Self.exitCode) ?? 0)
                return
            case "exec" where step.dropFirst().first != "sleep": return
            case "sleep", "exec":
                guard let text = step.last, let time = Self.duration(text) else { return }
                elapsed += time
            default: return
            }
        }
        end = (elapsed, 0)
    }

    private static func steps(_ script: String) -> [[String]] {
        script.replacing("&&", with: ";").split(whereSeparator: { $0 == ";" || $0 == "\n" }).map { step in
            step.split(separator: " ").map { String($0).filter { $0 != "\"" && $0 != "'" } }
        }.filter { !$0.isEmpty }
    }

    /// Of what a program ends with the kernel keeps a byte.
    private static func exitCode(_ text: String) -> Int64 { (Int64(text) ?? 0) & 0xff }

    /// `5`, `0.5`, `5s`, `500ms`, `2m`, `1h`; nil for anything else, `infinity` among it.
    static func duration(_ text: String) -> Duration? {
        let units: [(suffix: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("", 1)]
        for unit in units where text.hasSuffix(unit.suffix) {
            guard let number = Double(text.dropLast(unit.suffix.count)), number.isFinite, number >= 0 else { continue }
            return .milliseconds(Whole(number * unit.seconds * 1000))
        }
        return nil
    }
}
