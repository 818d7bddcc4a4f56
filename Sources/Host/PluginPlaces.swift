internal import FoundationEssentials
internal import Glibc

/// Where plugin libraries and manifests are, when nobody says.
struct PluginPlaces {
    var libraries: [String]
    var manifests: String

    init(_ options: PluginOptions) throws {
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let own = String(executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)])
        libraries = options.pluginDir.isEmpty ? [own, "\(own)/../lib/apus"].filter(Self.isDirectory) : options.pluginDir
        if let given = options.manifestDir {
            manifests = given
        } else {
            // Beside the executable when installed, in the checkout when it was just built.
            var candidates = ["\(own)/plugin-manifests", "\(own)/../share/apus/plugin-manifests"]
            var above = own
            while let slash = above.lastIndex(of: "/"), slash != above.startIndex {
                above = String(above[..<slash])
                candidates.append("\(above)/plugin-manifests")
            }
            guard let found = candidates.first(where: Self.isDirectory) else {
                throw StartupFailure("no plugin-manifests directory near \(own). Say where it is with --manifest-dir.")
            }
            manifests = found
        }
        for directory in libraries + [manifests] where !Self.isDirectory(directory) {
            throw StartupFailure("\(directory) is not a directory")
        }
    }

    private static func isDirectory(_ path: String) -> Bool {
        var isDirectory = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
    }
}
