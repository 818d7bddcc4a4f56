import APIModel
import OrderedCollections

/// Holds pods to the Pod Security Standards as far as the labels of their namespace ask for it.
struct PodSecurity: ValidatingMember {
    static let name = "PodSecurity"
    var name: String { Self.name }

    private let configuration: PodSecurityConfiguration

    /// Namespaces say all.
    init() { configuration = PodSecurityConfiguration() }

    /// - Throws: `ConfigurationProblem`.
    init(_ configuration: Value?) throws {
        self.configuration = try configuration.map { try PodSecurityConfiguration($0) } ?? PodSecurityConfiguration()
    }

    /// Where in an object the pod, or the template of its pods, is.
    private static let templates: [String: [String]] = {
        let usual = ["spec", "template"]
        return [
            "/pods": [], "/podtemplates": ["template"], "/replicationcontrollers": usual, "apps/replicasets": usual,
            "apps/deployments": usual, "apps/statefulsets": usual, "apps/daemonsets": usual, "batch/jobs": usual,
            "batch/cronjobs": ["spec", "jobTemplate", "spec", "template"],
        ]
    }()
    private static let prefix = "pod-security.kubernetes.io/"
    /// The subresources of pods that leave the specification alone.
    private static let ignored: Set = ["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"]
    /// How many pods of a namespace are looked at when its labels change.
    private static let mostPods = 3000

    func concerns(collection: String) -> Bool { collection == "/namespaces" || Self.templates[collection] != nil }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .create || request.operation == .update else { return nil }
        let collection = request.target.storage.collection
        if collection == "/namespaces" {
            if request.isOfObject { try check(namespace: object, request) }
        } else if collection == "/pods" {
            if !Self.ignored.contains(request.target.subresource), Self.isSignificant(object, old: request.old) {
                try check(PodSecuritySubject(metadata: object["metadata"], spec: object["spec"]), isEnforced: true, request)
            }
        } else if request.isOfObject, let path = Self.templates[collection] {
            let template = path.reduce(object) { $0[$1] }
            // A controller may do without one.
            guard !template.isNull else { return nil }
            try check(PodSecuritySubject(metadata: template["metadata"], spec: template["spec"]), isEnforced: false, request)
        }
        return nil
    }

    // MARK: Pods

    private func check(_ pod: PodSecuritySubject, isEnforced: Bool, _ request: AdmissionRequest) throws {
        guard let namespace = request.registry.latest("/namespaces", name: request.target.namespace) else { return }
        let (context, metrics) = (request.context, request.registry.admissionMetrics.podSecurity)
        let runtimeClass = pod.spec["runtimeClassName"].string
        if let exemption = configuration.exemption(
            namespace: request.target.namespace, user: request.user.name, runtimeClass: runtimeClass)
        {
            context.annotate("\(Self.prefix)exempt", exemption)
            metrics.exempted(request)
            return
        }
        var errors: [FieldError] = []
        let policy = PodSecurityPolicy(namespace.value["metadata"]["labels"], over: configuration.defaults, &errors)
        if policy.isPrivileged, errors.isEmpty {
            guard isEnforced else { return }
            context.annotate("\(Self.prefix)enforce-policy", PodSecurityLevel().description)
            return metrics.evaluated(.allow, policy.enforce, .enforce, request)
        }
        if let problem = Aggregate.text(errors.map(\.message)) {
            metrics.failed(request)
            context.annotate("\(Self.prefix)error", "Failed to parse policy: \(problem)")
        }
        var known: [PodSecurityLevel: [PodSecurityStandard.Violation]] = [:]
        func violations(_ level: PodSecurityLevel) -> [PodSecurityStandard.Violation] {
            let found = known[level] ?? PodSecurityStandard.violations(of: pod, level)
            known[level] = found
            return found
        }
        let audited = violations(policy.audit)
        if !audited.isEmpty {
            metrics.evaluated(.deny, policy.audit, .audit, request)
            context.annotate(
                "\(Self.prefix)audit-violations", "would violate PodSecurity \"\(policy.audit)\": \(audited.details)")
        }
        if isEnforced {
            context.annotate("\(Self.prefix)enforce-policy", policy.enforce.description)
            let refused = violations(policy.enforce)
            metrics.evaluated(refused.isEmpty ? .allow : .deny, policy.enforce, .enforce, request)
            guard refused.isEmpty else {
                throw request.target.forbidden("violates PodSecurity \"\(policy.enforce)\": \(refused.details)")
            }
        }
        let warned = violations(policy.warn)
        guard !warned.isEmpty else { return }
        metrics.evaluated(.deny, policy.warn, .warn, request)
        context.warn("would violate PodSecurity \"\(policy.warn)\": \(warned.details)")
    }

    /// Whether an update changes anything that is judged: of a pod's specification only images change, and containers that are added.
    private static func isSignificant(_ pod: Value, old: Value?) -> Bool {
        guard let old else { return true }
        for list in ["containers", "initContainers"] {
            let (new, before) = (pod["spec"][list].elements, old["spec"][list].elements)
            if new.count != before.count || zip(new, before).contains(where: { $0["image"] != $1["image"] }) { return true }
        }
        let before = old["spec"]["ephemeralContainers"].elements
        return pod["spec"]["ephemeralContainers"].elements.contains { container in
            before.first { $0["name"] == container["name"] }?["image"] != container["image"]
        }
    }

    // MARK: Namespaces

    private func check(namespace: Value, _ request: AdmissionRequest) throws {
        var errors: [FieldError] = []
        let policy = PodSecurityPolicy(namespace["metadata"]["labels"], over: configuration.defaults, &errors)
        guard let old = request.old else {
            if !errors.isEmpty { throw request.target.invalid(errors) }
            return
        }
        var oldErrors: [FieldError] = []
        let before = PodSecurityPolicy(old["metadata"]["labels"], over: configuration.defaults, &oldErrors)
        if !errors.isEmpty, errors != oldErrors { throw request.target.invalid(errors) }
        let isRelaxed = policy.enforce.minor == before.enforce.minor && policy.enforce.level <= before.enforce.level
        guard policy.enforce != before.enforce, policy.enforce.level != .privileged, !isRelaxed else { return }
        if configuration.namespaces.contains(request.target.name) {
            request.context.warn(
                "namespace \(FieldError.quoted(request.target.name)) is exempt from Pod Security, and the policy (enforce=\(policy.enforce)) will be ignored"
            )
            return
        }
        for warning in Self.warnings(about: request.target.name, policy.enforce, request) { request.context.warn(warning) }
    }

    /// What is there already and would not be let in any more; of the pods of one controller the first is looked at before the others.
    private static func warnings(about namespace: String, _ level: PodSecurityLevel, _ request: AdmissionRequest) -> [String] {
        var first: [Value] = []
        var others: [Value] = []
        var owners: Set<Value> = []
        for pod in request.registry.all("/pods", namespace: namespace) {
            let owner = pod.controllerReference["uid"]
            if owner.isNull || owners.insert(owner).inserted { first.append(pod.value) } else { others.append(pod.value) }
        }
        let all = first + others
        var found: [String: [String]] = [:]
        for pod in all.prefix(mostPods) {
            let violations = PodSecurityStandard.violations(of: PodSecuritySubject(metadata: pod["metadata"], spec: pod["spec"]), level)
            if !violations.isEmpty { found[violations.reasons, default: []].append(pod["metadata"]["name"].string ?? "") }
        }
        var warnings: [String] = []
        if all.count > mostPods {
            warnings.append(
                "new PodSecurity enforce level only checked against the first \(mostPods) of \(all.count) existing pods")
        }
        guard !found.isEmpty else { return warnings }
        warnings.append("existing pods in namespace \"\(namespace)\" violate the new PodSecurity enforce level \"\(level)\"")
        return warnings
            + found.map { reasons, names in
                let rest = names.count == 1 ? "" : " (and \(names.count - 1) other \(names.count == 2 ? "pod" : "pods"))"
                return "\(names.min() ?? "")\(rest): \(reasons)"
            }.sorted()
    }
}
