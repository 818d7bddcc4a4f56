import Exposition

/// How pods were judged by the Pod Security Standards, under upstream's names. Safe from any thread.
struct PodSecurityMetrics: MetricsSource {
    enum Decision: String { case allow, deny }
    enum Mode: String { case enforce, audit, warn }

    private static let labels = ["request_operation", "resource", "subresource"]
    private let evaluations = Counters(
        "pod_security_evaluations_total", "How pods were judged, without those that nobody judges.",
        labels: ["decision", "policy_level", "policy_version", "mode"] + labels)
    private let exemptions = Counters("pod_security_exemptions_total", "Requests that are exempt.", labels: labels)
    private let errors = Counters(
        "pod_security_errors_total", "Requests of which it could not be told as it should how to judge them.", labels: ["fatal"] + labels)

    func evaluated(_ decision: Decision, _ level: PodSecurityLevel, _ mode: Mode, _ request: AdmissionRequest) {
        let (operation, resource, subresource) = Self.values(request)
        evaluations.add(decision.rawValue, level.level.rawValue, Self.version(level), mode.rawValue, operation, resource, subresource)
    }

    func exempted(_ request: AdmissionRequest) {
        let (operation, resource, subresource) = Self.values(request)
        exemptions.add(operation, resource, subresource)
    }

    /// The labels of the namespace are wrong, which makes the judgement stricter and no other.
    func failed(_ request: AdmissionRequest) {
        let (operation, resource, subresource) = Self.values(request)
        errors.add("false", operation, resource, subresource)
    }

    /// Of nothing asked there is one version, and those to come are one, since there is no end of them.
    private static func version(_ level: PodSecurityLevel) -> String {
        guard let minor = level.minor, level.level != .privileged else { return "latest" }
        return minor > PodSecurityStandard.served ? "future" : "v1.\(minor)"
    }

    private static func values(_ request: AdmissionRequest) -> (operation: String, resource: String, subresource: String) {
        let resource = request.target.storage.collection == "/pods" ? "pod" : "controller"
        return (request.operation.rawValue.lowercased(), resource, request.target.subresource)
    }

    func write(to text: inout MetricsText) { for family in [evaluations, exemptions, errors] { family.write(to: &text) } }
}
