internal import APIModel
internal import Client
internal import Logging
internal import OrderedCollections
internal import PluginHost

/// Says on a Plugin object that the plugin took the host down while it ran in the host's own process. As long as it stands there for the
/// object's newest generation the plugin runs in a process of its own; who changes the specification, or removes it, takes that back.
struct CrashMark: Sendable, Equatable {
    /// What happened, in a sentence.
    var crash: String

    /// The mark of an object, `nil` where there is none that counts.
    init?(_ object: Value) {
        let annotations = object["metadata"]["annotations"]
        guard let crash = annotations[PluginAnnotation.crash].string,
            annotations[PluginAnnotation.crashGeneration].string == object["metadata"]["generation"].int.map(String.init)
        else { return nil }
        self.crash = crash
    }

    /// Marks the plugin's object, if it asks for the host's own process.
    static func set(on plugin: String, _ crash: Crash, _ client: any Client, log: Logger) async {
        do {
            let object = try await client.get(.plugins, name: plugin)
            guard try PluginManifest(object: object.value).isolation == .none else { return }
            let generation = object.metadata["generation"].int.map { Value.string(String($0)) } ?? .null
            try await patch(
                plugin, [PluginAnnotation.crash: .string(crash.sentence), PluginAnnotation.crashGeneration: generation], client)
            log.error("plugin \(plugin) is to run in a process of its own: \(crash.sentence)")
        } catch {
            log.error("plugin \(plugin), which was at fault, could not be marked: \(error)")
        }
    }

    /// Has the plugin run again as its specification says. Returns whether there was a mark.
    static func remove(from plugin: String, _ client: any Client) async throws -> Bool {
        let annotations = try await client.get(.plugins, name: plugin).metadata["annotations"]
        guard !annotations[PluginAnnotation.crash].isNull else { return false }
        try await patch(
            plugin, .object([PluginAnnotation.crash: .null, PluginAnnotation.crashGeneration: .null]), client)
        return true
    }

    private static func patch(_ plugin: String, _ annotations: Value, _ client: any Client) async throws {
        _ = try await client.patch(
            .plugins, namespace: nil, name: plugin, subresource: nil, .merge, ["metadata": ["annotations": annotations]])
    }
}
