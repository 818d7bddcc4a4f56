internal import APIModel
internal import ArgumentParser
internal import Client
internal import Glibc

/// Gives an object that was put aside another try.
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Give an object another try that was in hand at crashes, or a plugin that took the host down.",
        discussion: """
            An object that was in hand at two crashes is passed over by the loop that had it; `apus status` lists them. A plugin that took \
            the host down runs in a process of its own from then on. A change to either gives it another try as well.
            """)

    @OptionGroup var cluster: ClusterOptions

    @Argument(help: "The object's kind: pod, deployments, deploy, plugin …")
    var kind: String

    @Argument(help: "The object: NAMESPACE/NAME, or NAME where the kind has no namespaces, or the namespace is default.")
    var object: String

    func run() async throws {
        let directory = DataDirectory(cluster.data.dataDir)
        guard let type = Self.type(kind) else { throw StartupFailure("there is no kind \(kind)") }
        let parts = object.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...(type.isNamespaced ? 2 : 1)).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else {
            throw StartupFailure("\(object) is no \(type.isNamespaced ? "NAMESPACE/NAME" : "name") of a \(type.kind)")
        }
        let name = parts[parts.count - 1]
        let namespace = type.isNamespaced ? parts.count == 2 ? parts[0] : "default" : ""
        let files = CrashFiles(directory)
        let keys = files.suspects.putAside.map(\.key).filter { key in
            key.resource.group == type.group && key.resource.resource == type.name && key.namespace == namespace && key.name == name
        }
        let isPlugin = type.groupVersionResource == .plugins
        let hadMark = isPlugin ? try await cluster.withClient { try await CrashMark.remove(from: name, $0) } : false
        guard !keys.isEmpty || hadMark else {
            throw StartupFailure("\(type.name) \(object) is not in quarantine; `apus status` shows what is")
        }
        if hadMark { Output.line("plugin \(name) runs again as its specification says") }
        guard !keys.isEmpty else { return }
        let request = try files.request(release: keys)
        let isDone = directory.owner != nil && Self.isTaken(request)
        for key in keys { Output.line("\(key.text) is released" + (isDone ? "" : ", and tried when apus runs the next time")) }
    }

    /// Whether the host has read the request, within a while.
    private static func isTaken(_ request: String) -> Bool {
        let end = ContinuousClock.now + .seconds(5)
        while access(request, F_OK) == 0 {
            guard ContinuousClock.now < end else { return false }
            usleep(10_000)
        }
        return true
    }

    /// As `kubectl` reads kinds: by plural, singular, short name or kind, with `.GROUP` behind it or without.
    static func type(_ word: String) -> ResourceType? {
        let word = word.lowercased()
        return Catalogue.builtin.resources.first { type in
            let names = [type.name, type.singularName, type.kind.lowercased()] + type.shortNames
            return names.contains(word) || names.contains { "\($0).\(type.group)" == word }
        }
    }
}
