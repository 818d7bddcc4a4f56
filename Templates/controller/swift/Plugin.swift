internal import APIModel
public import PluginAPI
internal import PluginKit

/// Gives every Namespace the label `{{NAME}}.example.com/seen: "true"`.
struct Labeller: Controller {
    static let label = "{{NAME}}.example.com/seen"

    private let host: Host

    /// `config` is the manifest's. A field is refused before, unless it is one of `static let settings: Set = ["…"]`, of which there are
    /// none yet.
    init(_ host: Host, config: Value) { self.host = host }

    /// Called whenever a Namespace was made or changed. What it throws, the host logs, and calls again later.
    func reconcile(_ key: Key) throws -> Outcome {
        guard let namespace = try host.objects.get(.namespaces, name: key.name) else { return .done }
        guard namespace["metadata"]["labels"][Self.label].string != "true" else { return .done }
        // A merge patch changes this one field, and undoes nothing that others do to the object at the same time.
        do {
            try host.objects.patch(.namespaces, name: key.name, .merge, ["metadata": ["labels": [Self.label: "true"]]])
        } catch let error as APIError where error.reason == .notFound {
            return .done
        }
        host.log.info("labelled \(key.name)")
        return .done
    }
}

private let plugin = Plugin(name: "{{NAME}}", version: "0.1.0", [.controller("{{NAME}}", Labeller.self)])

/// The one symbol that the host looks for.
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
