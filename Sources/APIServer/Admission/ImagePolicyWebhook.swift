import APIModel
import Client
import OrderedCollections

/// Asks another server whether the images of a pod may run, by an ImageReview. What it said is believed for a while. Off unless it is
/// enabled.
struct ImagePolicyWebhook: MutatingMember, ValidatingMember {
    static let name = "ImagePolicyWebhook"
    var name: String { Self.name }

    private static let version = "imagepolicy.k8s.io/v1alpha1"
    /// Before the keys of what is told to the audit log.
    private static let notes = "imagepolicywebhook.image-policy.k8s.io/"
    private static let failedOpen = "\(notes)failed-open"
    /// On a pod that nobody could be asked about.
    private static let mark = "alpha.image-policy.k8s.io/failed-open"
    private static let timeout = Duration.seconds(30)

    private struct Reviewer: Sendable {
        var server: BackendServer
        var settings: ImagePolicySettings
        var answers = Remembered<Value, Value> { Clock.seconds }
    }

    /// `nil`: nobody is asked.
    private let reviewer: Reviewer?

    func concerns(collection: String) -> Bool { reviewer != nil && collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        if Self.hasFailedOpen(request) { pod["metadata"]["annotations"][Self.mark] = "true" }
    }

    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard let reviewer, request.operation == .create || request.operation == .update, !Self.hasFailedOpen(request),
            let containers = Self.containers(pod, request.target.subresource)
        else { return nil }
        let annotations = pod["metadata"]["annotations"].fields.filter { $0.key.contains(".image-policy.k8s.io/") }
        let spec: Value = [
            "containers": .array(containers.map { ["image": $0["image"]] }),
            "annotations": annotations.isEmpty ? .null : .object(annotations), "namespace": .string(request.target.namespace),
        ]
        let status: Value
        do {
            status = try await Self.status(spec, reviewer)
        } catch {
            guard reviewer.settings.defaultAllow else { throw request.target.forbidden("\(error)") }
            // The mark is set when the pod is admitted anew.
            request.context.annotate(Self.failedOpen, "true")
            throw WrittenInBetween()
        }
        for (key, value) in status["auditAnnotations"].strings { request.context.annotate(Self.notes + key, value) }
        guard status["allowed"].bool == true else {
            let reason = status["reason"].string ?? ""
            throw request.target.forbidden(
                reason.isEmpty
                    ? "one or more images rejected by webhook backend" : "image policy webhook backend denied one or more images: \(reason)"
            )
        }
        return nil
    }

    private static func hasFailedOpen(_ request: AdmissionRequest) -> Bool { request.context.isAnnotated(failedOpen) }

    /// Whose images are asked about, `nil` where none are.
    private static func containers(_ pod: Value, _ subresource: String) -> [Value]? {
        switch subresource {
        case "": pod[path: "spec", "containers"].elements + pod[path: "spec", "initContainers"].elements
        case "ephemeralcontainers": pod[path: "spec", "ephemeralContainers"].elements
        default: nil
        }
    }

    private static func status(_ spec: Value, _ reviewer: Reviewer) async throws -> Value {
        if let known = reviewer.answers[spec] { return known }
        let review: Value = [
            "apiVersion": .string(version), "kind": "ImageReview", "metadata": .emptyObject, "spec": spec, "status": ["allowed": false],
        ]
        let answer = try await reviewer.server.post(
            JSON.encode(review), timeout: timeout, firstWait: reviewer.settings.retryBackoff, mayPass: BackendServer.Refused.mayPass)
        let told = try JSON.decode(answer)
        guard told["kind"].string == "ImageReview", told["apiVersion"].string == version else {
            throw ConfigurationProblem("the answer is no ImageReview of \(version)")
        }
        let status = told["status"]
        let lifetime = status["allowed"].bool == true ? reviewer.settings.allowTTL : reviewer.settings.denyTTL
        if lifetime > .zero { reviewer.answers.remember(spec, status, for: lifetime.components.seconds) }
        return status
    }

    // MARK: Configuration

    /// Asks nobody.
    init() { reviewer = nil }

    /// - Throws: `ConfigurationProblem`, and what is wrong with the kubeconfig.
    init(_ configuration: Value?) throws {
        guard let configuration else { throw ConfigurationProblem("ImagePolicyWebhook: no config specified") }
        let settings = try ConfigurationFields.read(configuration, at: "") { file in
            guard let settings = try file.object("imagePolicy", ImagePolicySettings.init) else {
                throw file.problem("imagePolicy", "required")
            }
            return settings
        }
        let server = try BackendServer(ClientConfiguration.load(kubeconfig: settings.kubeConfigFile), userAgent: "kube-apiserver")
        reviewer = Reviewer(server: server, settings: settings)
    }
}
