internal import FoundationEssentials

/// Where an author's things are: beside the executable in a checkout that was just built, under `share/apus` when installed.
enum AuthorPlaces {
    /// This executable, as a path that stays good.
    static func executable() throws -> String { try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") }

    /// Headers, compiled modules and the flags to use them.
    static func sdk() throws -> String {
        let own = try directory()
        return try first(
            ["\(own)/sdk", "\(own)/../share/apus/sdk"], with: "plugin.mk",
            orElse: "there is no SDK at \(own)/sdk; `make build` makes it, or `scripts/sdk` after a build")
    }

    /// What `plugin new` writes.
    static func templates() throws -> String {
        let own = try directory()
        var candidates = ["\(own)/../share/apus/templates"]
        var above = own[...]
        while let slash = above.lastIndex(of: "/"), slash != above.startIndex {
            above = above[..<slash]
            candidates.append("\(above)/Templates")
        }
        return try first(
            candidates, with: "c/Makefile",
            orElse: "there are no templates near \(own): neither ../share/apus/templates nor Templates in a directory above it")
    }

    private static func directory() throws -> String {
        let executable = try executable()
        return String(executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)])
    }

    private static func first(_ candidates: [String], with file: String, orElse message: String) throws -> String {
        guard let found = candidates.first(where: { FileManager.default.fileExists(atPath: "\($0)/\(file)") }) else {
            throw StartupFailure(message)
        }
        return URL(filePath: found).standardizedFileURL.path
    }
}
