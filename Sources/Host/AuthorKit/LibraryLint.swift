internal import APIModel
internal import ELF
internal import PluginHost

/// What is wrong with a plugin library, as far as it can be seen without making a component.
///
/// The file is read first, as the dynamic linker would, and only a library in which that finds nothing is loaded and asked what it is: in a
/// child process, because its constructors and its entry point may do anything.
struct LibraryLint {
    private static let entry = "apus_plugin_entry"

    let path: String
    /// One sentence each, in the order of the checks.
    private(set) var errors: [String] = []
    /// What the library says of itself; `nil` when it could not be asked.
    private(set) var description: LibraryDescription?

    init(path: String) {
        self.path = path
        do {
            let file = try ELFFile(path: path)
            try check(file)
            if errors.isEmpty { description = try LibraryDescription.ask(path) }
        } catch let error as StartupFailure {
            errors.append(error.message)
        } catch {
            errors.append("\(path): \(error)")
        }
    }

    private mutating func check(_ file: ELFFile) throws {
        let executable = try AuthorPlaces.executable()
        let host = try ELFFile(path: executable)
        guard file.kind == .library else {
            errors.append("\(path): is no shared library (link it with -shared)")
            return
        }
        guard file.machine == host.machine else {
            errors.append("\(path): is for another processor (ELF machine \(file.machine), this host is \(host.machine))")
            return
        }
        let exports = file.symbols.filter(\.isDefined).map(\.name)
        if !exports.contains(Self.entry) { errors.append("\(path): is not a plugin: it does not export \(Self.entry)") }
        let others = exports.filter { $0 != Self.entry }.sorted()
        if !others.isEmpty {
            errors.append(
                "\(path): exports \(Self.list(others)) beside \(Self.entry); hide all else with the linker's --version-script and the SDK's plugin.map"
            )
        }

        let search = LibrarySearch()
        let own = search.closure(of: path, file)
        if !own.missing.isEmpty {
            errors.append("\(path): needs \(Self.list(own.missing.sorted())), which is not to be found on this machine")
        }
        let known = own.symbols.union(search.closure(of: executable, host).symbols)
        // With a library missing, what it would define would be reported twice.
        let undefined =
            own.missing.isEmpty ? file.symbols.filter { !$0.isDefined && !$0.isWeak && !known.contains($0.name) }.map(\.name).sorted() : []
        if !undefined.isEmpty {
            errors.append(
                "\(path): nobody defines \(Self.list(undefined)), which it uses; link it with what does, or compile what is missing into it"
            )
        }
    }

    /// Whether `manifest` fits the library.
    mutating func check(_ manifest: ManifestFile) {
        let spec = manifest.object["spec"]
        let parsed: PluginManifest
        do { parsed = try PluginManifest(object: manifest.object) } catch {
            errors.append("\(manifest.path): \((error as? PluginError)?.message ?? "\(error)")")
            return
        }
        let file = path.split(separator: "/").last.map(String.init) ?? path
        if parsed.library != file { errors.append("\(manifest.path): spec.library: says \(parsed.library), and the library is \(file)") }
        if let pin = parsed.sha256, let sha256 = try? Library.open(path: path, plugin: parsed.name).sha256, pin != sha256 {
            errors.append("\(manifest.path): spec.sha256: pins \(pin), and \(path) is \(sha256)")
        }
        guard let description else { return }
        if let abi = spec["abi"].string, abi != description.abi {
            errors.append("\(manifest.path): spec.abi: wants \(abi), and \(path) was built for \(description.abi)")
        }
        guard let component = description.components.first(where: { $0.name == parsed.component }) else {
            let offered = description.components.map(\.name).joined(separator: ", ")
            errors.append(
                "\(manifest.path): spec.component: \(path) has no component \(parsed.component); it offers \(offered.isEmpty ? "none" : offered)"
            )
            return
        }
        if component.extension != parsed.kind.extensionID {
            errors.append(
                "\(manifest.path): spec.kind: says \(parsed.kind.rawValue) (\(parsed.kind.extensionID)), and component \(component.name) of \(path) is \(component.extension)"
            )
        }
    }

    /// Names enough to know what is meant.
    private static func list(_ names: [String]) -> String {
        names.count <= 8 ? names.joined(separator: ", ") : names.prefix(8).joined(separator: ", ") + " and \(names.count - 8) more"
    }
}

extension ExtensionKind {
    /// How the ABI calls it.
    var extensionID: String {
        switch self {
        case .schedulerPolicy: "apus.scheduler-policy/1"
        case .controller: "apus.controller/1"
        case .runtime: "apus.runtime/1"
        case .proxy: "apus.proxy/1"
        case .admission: "apus.admission/1"
        }
    }
}
