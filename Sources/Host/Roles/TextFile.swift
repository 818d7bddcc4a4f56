internal import APIModel
internal import FoundationEssentials
internal import Glibc

/// Files that flags name.
enum TextFile {
    /// - Throws: `StartupFailure` that names flag, file and reason.
    static func read(_ path: String, of flag: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StartupFailure("\(flag): \(path): \(String(cString: strerror(errno)))") }
        close(descriptor)
        do { return try String(contentsOfFile: path, encoding: .utf8) } catch { throw StartupFailure("\(flag): \(path) is no text file") }
    }

    /// What a YAML file holds, without documents that say nothing.
    /// - Throws: `StartupFailure` that names flag, file and reason.
    static func documents(_ path: String, of flag: String) throws -> [Value] {
        let text = try read(path, of: flag)
        do { return try YAML.decode(text).filter { !$0.isNull } } catch { throw StartupFailure("\(flag): \(path): \(error)") }
    }
}
