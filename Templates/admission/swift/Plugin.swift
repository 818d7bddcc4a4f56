internal import APIModel
public import PluginAPI
internal import PluginKit

/// Lets no object be written without the label `app`, and gives a new one the label `written-by`.
struct Labels: AdmissionPolicy {
    static let slots: AdmissionSlots = [.admit, .validate]

    /// `config` is the manifest's. A field is refused before, unless it is one of `static let settings: Set = ["…"]`, of which there are
    /// none yet.
    init(_ host: Host, config: Value) {}

    /// May change the object, here a new one that does not say yet who wrote it.
    func admit(_ request: AdmissionRequest, _ notes: AdmissionNotes) -> AdmissionChange {
        let metadata = request.object["metadata"]
        guard request.operation == .create, case .object = metadata, metadata["labels"]["written-by"].isNull else { return .none }
        var changed = request.object
        changed["metadata"]["labels"]["written-by"] = .string(request.user.name.split(separator: ":").last.map(String.init) ?? "nobody")
        return .object(changed)
    }

    /// May refuse the object. What is deleted needs no label any more.
    func validate(_ request: AdmissionRequest, _ notes: AdmissionNotes) throws {
        guard request.operation != .delete else { return }
        let app = request.object["metadata"]["labels"]["app"]
        guard app.string?.isEmpty == false else { throw Denial("every object needs the label app") }
        if app.string == "test" { notes.warn("the label app is test: is that its name?") }
    }
}

private let plugin = Plugin(name: "{{NAME}}", version: "0.1.0", [.admission("{{NAME}}", Labels.self)])

/// The one symbol that the host looks for.
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
