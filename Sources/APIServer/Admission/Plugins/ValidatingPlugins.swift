import APIModel
import Client

/// Asks the admission plugins that take part in phase `Validate`: all of them, so that each one's warnings are told; the first refusal counts.
struct ValidatingPlugins: ValidatingMember {
    static let name = "ValidatingAdmissionPlugin"
    var name: String { Self.name }

    private let plugins: PluginAdmission

    init(_ reviewers: PluginReviewerCache) { plugins = PluginAdmission(member: Self.name, phase: .validate, reviewers: reviewers) }

    func concerns(collection: String) -> Bool { PluginAdmission.concerns(collection) }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard plugins.reviewers.current != nil else { return nil }
        var object = object
        var refusal: APIError?
        try await plugins.ask(&object, request) { _, reviewed in
            guard refusal == nil, case .denied(let code, let reason) = reviewed.verdict else { return }
            refusal = PluginAdmission.refusal(of: reviewed.plugin.name, code: code, reason)
        }
        if let refusal { throw refusal }
        return nil
    }
}
