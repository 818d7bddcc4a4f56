import APIModel

/// Gives the pods of a namespace the tolerations of its annotation, or those that are for all, and lets them have no others than are allowed
/// there. Off unless it is enabled.
struct PodTolerationRestriction: MutatingMember, ValidatingMember {
    static let name = "PodTolerationRestriction"
    var name: String { Self.name }

    private static let defaultsAnnotation = "scheduler.alpha.kubernetes.io/defaultTolerations"
    private static let allowedAnnotation = "scheduler.alpha.kubernetes.io/tolerationsWhitelist"
    private static let memoryPressure: Value = ["key": "node.kubernetes.io/memory-pressure", "operator": "Exists", "effect": "NoSchedule"]

    /// For namespaces that say nothing of them.
    private let defaults: [Value]
    /// Empty: all are.
    private let allowed: [Value]

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard Self.concerns(request) else { return }
        var more: [Value] = []
        if request.operation == .create { more = try Self.tolerations(Self.defaultsAnnotation, request) ?? defaults }
        if QualityOfService(spec: pod["spec"]) != .bestEffort { more.append(Self.memoryPressure) }
        if !more.isEmpty {
            pod["spec"]["tolerations"] = .array(Tolerations.merged(pod[path: "spec", "tolerations"].elements + more))
        }
        try check(pod, request)
    }

    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard Self.concerns(request) else { return nil }
        try check(pod, request)
        return nil
    }

    private func check(_ pod: Value, _ request: AdmissionRequest) throws {
        let asked = pod[path: "spec", "tolerations"].elements
        guard !asked.isEmpty else { return }
        let ofNamespace = try Self.tolerations(Self.allowedAnnotation, request)
        let allowed = ofNamespace ?? allowed
        guard allowed.isEmpty || Tolerations.cover(allowed, asked) else {
            let scope = ofNamespace == nil ? "cluster" : "namespace"
            throw APIError.unclassified(
                "pod tolerations (possibly merged with namespace default tolerations) conflict with its \(scope) whitelist")
        }
    }

    private static func concerns(_ request: AdmissionRequest) -> Bool {
        (request.operation == .create || request.operation == .update) && request.isOfObject
    }

    /// `nil` where the namespace has no such annotation.
    private static func tolerations(_ annotation: String, _ request: AdmissionRequest) throws -> [Value]? {
        guard let namespace = request.registry.latest("/namespaces", name: request.target.namespace)?.value else {
            throw APIError.notFound("namespaces", request.target.namespace)
        }
        guard let text = namespace["metadata"]["annotations"][annotation].string else { return nil }
        guard !text.isEmpty else { return [] }
        do {
            return try list(try JSON.decode(Array(text.utf8)), of: annotation)
        } catch {
            throw APIError.unclassified("\(annotation): \(error)")
        }
    }

    // MARK: Configuration

    /// Gives nothing and allows all, but for what annotations say.
    init() { self.init(defaults: [], allowed: []) }

    private init(defaults: [Value], allowed: [Value]) {
        self.defaults = defaults
        self.allowed = allowed
    }

    /// - Throws: `ConfigurationProblem`.
    init(_ configuration: Value?) throws {
        guard let configuration else {
            self.init()
            return
        }
        self = try ConfigurationFile.read(
            configuration, kind: "Configuration", versions: ["podtolerationrestriction.admission.k8s.io/v1alpha1"]
        ) { file in
            Self(
                defaults: try Self.list(file.value("default"), of: "default"),
                allowed: try Self.list(file.value("whitelist"), of: "whitelist"))
        }
    }

    private static let operators: Set = ["", "Exists", "Equal"]
    private static let effects: Set = ["", "NoSchedule", "PreferNoSchedule", "NoExecute"]

    private static func list(_ value: Value, of field: String) throws -> [Value] {
        guard !value.isNull else { return [] }
        guard case .array(let items) = value else { throw ConfigurationProblem("\(field): expected a list") }
        for (index, item) in items.enumerated() {
            try ConfigurationFields.read(item, at: "\(field)[\(index)]") { toleration in
                for (name, known) in [("operator", operators), ("effect", effects)] {
                    let word = try toleration.string(name) ?? ""
                    guard known.contains(word) else { throw toleration.problem(name, "unsupported value \(FieldError.quoted(word))") }
                }
                let (key, value) = (try toleration.string("key") ?? "", try toleration.string("value") ?? "")
                let isExists = try toleration.string("operator") == "Exists"
                guard !key.isEmpty || isExists else {
                    throw toleration.problem(
                        "operator", "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
                }
                guard value.isEmpty || !isExists else {
                    throw toleration.problem("value", "value must be empty when `operator` is 'Exists'")
                }
                guard try toleration.whole("tolerationSeconds") == nil || toleration.string("effect") == "NoExecute" else {
                    throw toleration.problem("effect", "effect must be 'NoExecute' when `tolerationSeconds` is set")
                }
            }
        }
        return items
    }
}
