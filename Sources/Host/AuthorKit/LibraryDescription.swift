internal import APIModel
internal import PluginHost

/// What a library says of itself, heard from a child process that loaded it.
struct LibraryDescription {
    struct Component {
        var name: String
        var `extension`: String
    }

    var name: String
    var version: String
    var abi: String
    var components: [Component]

    /// `greeter 0.1.0, ABI 1.0, offers greeter (apus.controller/1)`
    var line: String {
        let offers = components.map { "\($0.name) (\($0.extension))" }.joined(separator: ", ")
        return "\(name) \(version), ABI \(abi), offers \(offers.isEmpty ? "nothing" : offers)"
    }

    /// Loads `path` in a child process.
    /// - Throws: `StartupFailure` naming the file, with the host's reason to refuse it, or with how the child ended.
    static func ask(_ path: String) throws -> LibraryDescription {
        let child = Shell.run([try AuthorPlaces.executable(), "plugin", "inspect", path])
        // A library may write what it likes when it is loaded; the answer is the last line.
        let last = child.output.split(separator: "\n").last.map(String.init) ?? ""
        switch child.status {
        case 0:
            guard let value = try? JSON.decode(Array(last.utf8)), let name = value["name"].string else {
                throw StartupFailure("\(path): was loaded, and gave no answer that can be read: \(last)")
            }
            return LibraryDescription(
                name: name, version: value["version"].string ?? "", abi: value["abi"].string ?? "",
                components: value["components"].elements.map {
                    Component(name: $0["name"].string ?? "", extension: $0["extension"].string ?? "")
                })
        case 128 + 14:
            throw StartupFailure(
                "\(path): did not say within \(PluginInspectCommand.seconds) s what it is: its constructors or apus_plugin_entry do not return"
            )
        case 129...:
            throw StartupFailure(
                "\(path): ended the process that loaded it with signal \(child.status - 128): its constructors or apus_plugin_entry are at fault"
            )
        default:
            throw StartupFailure(
                last.hasPrefix("error: ") ? String(last.dropFirst("error: ".count)) : "\(path): could not be loaded: \(last)")
        }
    }

    /// What the child prints.
    static func line(_ inspection: LibraryInspection) -> String {
        let components = inspection.components.map { ["name": .string($0.name), "extension": .string($0.extension)] as Value }
        let value: Value = [
            "name": .string(inspection.name), "version": .string(inspection.version), "abi": .string(inspection.abi),
            "components": .array(components),
        ]
        return String(decoding: JSON.encode(value), as: UTF8.self)
    }
}
