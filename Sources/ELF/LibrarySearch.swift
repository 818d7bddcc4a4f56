internal import FoundationEssentials
internal import Glibc

/// Finds what a file needs where the dynamic linker would, without loading anything.
public struct LibrarySearch: Sendable {
    private let directories: [String]

    /// With the system's directories: `LD_LIBRARY_PATH` and what `/etc/ld.so.conf` names, then the fixed ones.
    public init() {
        var directories = getenv("LD_LIBRARY_PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
        directories += Self.configured("/etc/ld.so.conf", depth: 0)
        directories += [
            "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64",
            "/usr/lib64", "/lib", "/usr/lib",
        ]
        self.directories = directories
    }

    /// What `file` and all it needs define, and which libraries are nowhere to be found.
    public func closure(of path: String, _ file: ELFFile) -> (symbols: Set<String>, missing: [String]) {
        var symbols: Set<String> = []
        var missing: [String] = []
        var seen: Set<String> = []
        var queue = [(path, file)]
        while let (path, file) = queue.popLast() {
            for symbol in file.symbols where symbol.isDefined { symbols.insert(symbol.name) }
            for name in file.needed where seen.insert(name).inserted {
                let found = candidates(name, for: path, file).lazy.compactMap { path in
                    (try? ELFFile(path: path)).flatMap { $0.machine == file.machine ? (path, $0) : nil }
                }.first
                if let found { queue.append(found) } else { missing.append(name) }
            }
        }
        return (symbols, missing)
    }

    /// The files that `file` needs, and those that they need, each once. They are looked for in the system's directories, after those that
    /// come `first`, and nowhere else, whatever the files say; what is not there is left out.
    public func files(neededBy file: ELFFile, first: [String]) -> [String] {
        var files: [String] = []
        var seen: Set<String> = []
        var queue = file.needed
        while let name = queue.popLast() {
            guard !name.contains("/"), seen.insert(name).inserted else { continue }
            for path in (first + directories).lazy.map({ "\($0)/\(name)" }) {
                guard let found = try? ELFFile(path: path, reading: .dependencies), found.kind == .library, found.machine == file.machine
                else { continue }
                files.append(path)
                queue += found.needed
                break
            }
        }
        return files
    }

    private func candidates(_ name: String, for path: String, _ file: ELFFile) -> [String] {
        if name.contains("/") { return [name] }
        let origin = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let own = file.searchPath.map { entry in
            for mark in ["$ORIGIN", "${ORIGIN}"] where entry.hasPrefix(mark) { return origin + entry.dropFirst(mark.count) }
            return entry
        }
        return (own + directories).map { "\($0)/\(name)" }
    }

    /// The directories of a linker configuration and of those it includes. `depth` ends a configuration that includes itself.
    private static func configured(_ path: String, depth: Int) -> [String] {
        guard depth < 8, let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").flatMap { line -> [String] in
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.first == "include", words.count == 2 else { return words.first.map { [$0] } ?? [] }
            return matches(words[1]).flatMap { configured($0, depth: depth + 1) }
        }
    }

    private static func matches(_ pattern: String) -> [String] {
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { found.gl_pathv[$0].map { String(cString: $0) } }
    }
}
