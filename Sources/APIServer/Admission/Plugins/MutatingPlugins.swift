import APIModel
import Client

/// Asks the admission plugins that take part in phase `Mutate`, and makes the changes they want.
struct MutatingPlugins: MutatingMember {
    static let name = "MutatingAdmissionPlugin"
    var name: String { Self.name }

    private let plugins: PluginAdmission

    init(_ reviewers: PluginReviewerCache) { plugins = PluginAdmission(member: Self.name, phase: .mutate, reviewers: reviewers) }

    func concerns(collection: String) -> Bool { PluginAdmission.concerns(collection) }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        guard plugins.reviewers.current != nil else { return }
        request.reinvocation.enter(name, object)
        try await plugins.ask(&object, request) { object, reviewed in
            let changed: Value
            switch reviewed.verdict {
            case .denied(let code, let reason): throw PluginAdmission.refusal(of: reviewed.plugin.name, code: code, reason)
            case .allowed(.patch(let patch)):
                changed = try await Self.change(object, reviewed, request) { () throws(APIError) in try Patch.json(reviewed.shown, patch) }
            case .allowed(.object(let whole)): changed = try await Self.change(object, reviewed, request) { () throws(APIError) in whole }
            case .allowed(.none), .failed, .gone: return
            }
            if changed != object { request.reinvocation.noteChange(by: name) }
            object = changed
        }
        request.reinvocation.leave(name, object)
    }

    /// What the plugin made of what it was shown, as it is stored.
    private static func change(
        _ object: Value, _ reviewed: PluginAdmission.Reviewed, _ request: AdmissionRequest, _ make: () throws(APIError) -> Value
    ) async throws -> Value {
        let name = FieldError.quoted(reviewed.plugin.name)
        guard !object.isNull else {
            throw APIError.internalError(
                "admission plugin \(name) attempted to modify the object, which is not supported for this operation")
        }
        do {
            return try await request.taken(try make(), for: object, as: reviewed.storage)
        } catch {
            throw APIError.internalError("admission plugin \(name): \(error)")
        }
    }
}
