import APIModel
import OrderedCollections

/// Keeps the pods of a namespace on the nodes that its annotation chooses, or those that are chosen for all, and lets them ask for no others
/// than the configuration allows the namespace. Off unless it is enabled.
struct PodNodeSelector: MutatingMember, ValidatingMember {
    static let name = "PodNodeSelector"
    var name: String { Self.name }

    private static let annotation = "scheduler.alpha.kubernetes.io/node-selector"
    private static let forAll = "clusterDefaultNodeSelector"

    /// What the pods of each namespace may ask for; under `forAll`, what those of a namespace without the annotation get.
    private let selectors: [String: [String: String]]

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create, request.isOfObject else { return }
        let ofNamespace = try selector(of: request)
        try check(pod, ofNamespace, request)
        for (key, value) in ofNamespace.sorted(by: { $0.key < $1.key }) { pod["spec"]["nodeSelector"][key] = .string(value) }
    }

    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .create, request.isOfObject else { return nil }
        let ofNamespace = try selector(of: request)
        try check(pod, ofNamespace, request)
        return nil
    }

    private func check(_ pod: Value, _ ofNamespace: [String: String], _ request: AdmissionRequest) throws {
        let own = pod[path: "spec", "nodeSelector"].strings
        guard ofNamespace.allSatisfy({ own[$0.key] == nil || own[$0.key] == $0.value }) else {
            throw request.target.forbidden("pod node label selector conflicts with its namespace node label selector")
        }
        let allowed = selectors[request.target.namespace] ?? [:]
        let asked = own.merging(ofNamespace) { own, _ in own }
        guard allowed.isEmpty || asked.allSatisfy({ allowed[$0.key] == $0.value }) else {
            throw request.target.forbidden("pod node label selector labels conflict with its namespace whitelist")
        }
    }

    private func selector(of request: AdmissionRequest) throws -> [String: String] {
        let name = request.target.namespace
        guard let namespace = request.registry.latest("/namespaces", name: name)?.value else {
            throw APIError.internalError("namespace \(name) does not exist")
        }
        guard let text = namespace["metadata"]["annotations"][Self.annotation].string else { return selectors[Self.forAll] ?? [:] }
        do throws(ConfigurationProblem) {
            return try Self.labels(text)
        } catch {
            throw APIError.unclassified("\(error)")
        }
    }

    /// Reads `a=b,c=d`.
    private static func labels(_ text: String) throws(ConfigurationProblem) -> [String: String] {
        var labels: [String: String] = [:]
        guard !text.isEmpty else { return labels }
        for label in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = label.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw ConfigurationProblem("invalid selector: [\(parts.joined(separator: " "))]") }
            let (key, value) = (trimmed(parts[0]), trimmed(parts[1]))
            let problems = Names.qualifiedName(key) + Names.labelValue(value)
            guard problems.isEmpty else {
                throw ConfigurationProblem("invalid selector: \(FieldError.quoted(String(label))): \(problems.joined(separator: "; "))")
            }
            labels[key] = value
        }
        return labels
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    // MARK: Configuration

    /// Chooses nothing for anybody but by annotation.
    init() { self.init(selectors: [:]) }

    private init(selectors: [String: [String: String]]) { self.selectors = selectors }

    /// - Throws: `ConfigurationProblem`.
    init(_ configuration: Value?) throws {
        guard let configuration else {
            self.init()
            return
        }
        let given = try ConfigurationFields.read(configuration, at: "") { file in
            let (field, given) = ("podNodeSelectorPluginConfig", file.value("podNodeSelectorPluginConfig"))
            return try given.fields.map { namespace, value in
                guard let text = value.string else { throw file.problem("\(field).\(namespace)", "expected a string") }
                do throws(ConfigurationProblem) {
                    return (namespace, try Self.labels(text))
                } catch {
                    throw file.problem("\(field).\(namespace)", "\(error)")
                }
            }
        }
        self.init(selectors: Dictionary(given) { $1 })
    }
}
