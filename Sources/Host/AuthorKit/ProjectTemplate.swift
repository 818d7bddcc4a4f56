internal import FoundationEssentials
internal import Glibc

/// A project for a new plugin, made from the files in `Templates/`; `Templates/README.md` says how they are filled in.
struct ProjectTemplate {
    static let kinds = ["controller", "scheduler-policy", "runtime", "proxy", "admission"]
    static let languages = ["c", "swift"]

    /// The file in a kind's templates that names the libraries it needs.
    private static let libraries = "libraries"

    let name: String
    private let kind: String
    private let language: String

    /// - Throws: `StartupFailure` for a name, a kind or a language that will not do.
    init(name: String, kind: String?, language: String?) throws {
        guard Self.isLabel(name) else {
            throw StartupFailure(
                "\"\(name)\" is no name for a plugin: it must be a DNS label, at most 63 of a-z, 0-9 and -, with no - at either end")
        }
        self.name = name
        self.kind = try Self.choose(kind, from: Self.kinds, "kind", "what the plugin is")
        self.language = try Self.choose(language, from: Self.languages, "language", "what it is written in")
    }

    /// Writes the project into a new directory of the plugin's name in `parent`.
    /// - Returns: the directory.
    /// - Throws: `StartupFailure` when something has that name already, or when it cannot be written.
    func write(in parent: String) throws -> String {
        let templates = try AuthorPlaces.templates()
        let directory = parent == "." ? name : "\(parent)/\(name)"
        // Made, not looked for first: whoever is there keeps what he has.
        guard mkdir(directory, 0o755) == 0 else {
            throw StartupFailure(
                errno == EEXIST
                    ? "\(directory) is there already: choose another name, or remove it"
                    : "\(directory) cannot be made: \(String(cString: strerror(errno)))")
        }
        do {
            let words = try words(templates)
            for layer in [language, kind, "\(kind)/\(language)"] { try fill("\(templates)/\(layer)", with: words, into: directory) }
        } catch {
            throw StartupFailure("\(directory) could not be written whole: \(error)")
        }
        return directory
    }

    /// What stands for what in the files.
    private func words(_ templates: String) throws -> [String: String] {
        let libraries = (try? String(contentsOfFile: "\(templates)/\(kind)/\(Self.libraries)", encoding: .utf8)) ?? ""
        return [
            "{{NAME}}": name, "{{MODULE}}": "plugin_" + name.replacing("-", with: "_"), "{{APUS}}": try AuthorPlaces.executable(),
            "{{LIBS}}": libraries.split(whereSeparator: \.isWhitespace).joined(separator: " "),
        ]
    }

    private func fill(_ layer: String, with words: [String: String], into directory: String) throws {
        for entry in try FileManager.default.contentsOfDirectory(atPath: layer).sorted() where entry != Self.libraries {
            var isDirectory = false
            guard FileManager.default.fileExists(atPath: "\(layer)/\(entry)", isDirectory: &isDirectory), !isDirectory else { continue }
            var text = try String(contentsOfFile: "\(layer)/\(entry)", encoding: .utf8)
            for (word, meaning) in words { text.replace(word, with: meaning) }
            let file = (entry.hasPrefix("dot-") ? "." + entry.dropFirst(4) : entry).replacing("NAME", with: name)
            try text.write(toFile: "\(directory)/\(file)", atomically: false, encoding: .utf8)
        }
    }

    private static func choose(_ given: String?, from known: [String], _ flag: String, _ meaning: String) throws -> String {
        let list = known.joined(separator: ", ")
        guard let given else { throw StartupFailure("say \(meaning) with --\(flag): one of \(list)") }
        guard known.contains(given) else { throw StartupFailure("there is no \(flag) \"\(given)\": it must be one of \(list)") }
        return given
    }

    private static func isLabel(_ name: String) -> Bool {
        let isGood = { (byte: UInt8) in (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d }
        return (1...63).contains(name.utf8.count) && name.first != "-" && name.last != "-" && name.utf8.allSatisfy(isGood)
    }
}
