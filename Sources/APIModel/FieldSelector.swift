/// Chooses objects by a few of their fields: what `--field-selector` and `fieldSelector=` say.
public struct FieldSelector: Sendable, Hashable {
    public struct Requirement: Sendable, Hashable {
        public var field: String
        public var isEqual: Bool
        public var value: String
    }

    public private(set) var requirements: [Requirement] = []

    /// Matches everything.
    public init() {}

    public init(field: String, equals value: String) { requirements = [Requirement(field: field, isEqual: true, value: value)] }

    /// Reads `a=b,c!=d`, where `\` escapes a comma, an equals sign or itself.
    /// - Throws: a `BadRequest`. Whether a kind has the fields is told by `check`.
    public init(parsing text: String) throws(APIError) {
        for term in Self.terms(text) where !term.isEmpty {
            guard let (field, symbol, value) = Self.split(term) else {
                throw APIError.badRequest("invalid selector: '\(text)'; can't understand '\(term)'")
            }
            requirements.append(Requirement(field: field, isEqual: symbol != "!=", value: try Self.unescape(value)))
        }
    }

    public var isEmpty: Bool { requirements.isEmpty }

    /// The name or namespace that every match must have, `nil` where the selector leaves it open.
    public func required(_ field: String) -> String? { requirements.first { $0.field == field && $0.isEqual }?.value }

    /// - Parameter selectable: the further fields of a custom resource, `spec.color`.
    /// - Throws: a `BadRequest` for a field the kind cannot be selected by.
    public func check(for resource: ResourceType, selectable: [String] = []) throws(APIError) {
        for requirement in requirements where Self.path(requirement.field, resource) == nil && !selectable.contains(requirement.field) {
            throw APIError.badRequest(
                Self.fields["\(resource.group)/\(resource.kind)"] == nil
                    ? "\(FieldError.quoted(requirement.field)) is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    : "field label not supported: \(requirement.field)")
        }
    }

    /// Whether `object`, of the kind of `resource`, has what is asked. A field that is not there counts as empty (`0`, `false` for numbers
    /// and booleans).
    public func matches(_ object: Value, resource: ResourceType) -> Bool {
        requirements.allSatisfy { requirement in
            let path = Self.path(requirement.field, resource) ?? requirement.field
            return (Self.text(object, path) == requirement.value) == requirement.isEqual
        }
    }

    private static func path(_ field: String, _ resource: ResourceType) -> String? {
        if field == "metadata.name" || field == "metadata.namespace" { return field }
        return fields["\(resource.group)/\(resource.kind)"]?[field]
    }

    private static func text(_ object: Value, _ path: String) -> String {
        // Paths joined by | are alternatives: the first that is not empty counts. A path can end in what to read for nothing, after a #.
        for alternative in path.split(separator: "|") {
            let parts = alternative.split(separator: "#")
            var value = object
            for name in parts[0].split(separator: ".") { value = value[String(name)] }
            if case .array(let elements) = value {
                value = .string(elements.compactMap { $0["ip"].string ?? $0.string }.joined(separator: ","))
            }
            switch value {
            case .string(let text) where !text.isEmpty: return text
            case .int(let int): return String(int)
            case .bool(let bool): return String(bool)
            default: if parts.count > 1 { return String(parts[1]) }
            }
        }
        return ""
    }

    private static func terms(_ text: String) -> [String] {
        var terms = [""]
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "," {
                terms.append("")
                continue
            }
            terms[terms.count - 1].append(character)
        }
        return terms
    }

    private static func split(_ term: String) -> (field: String, symbol: String, value: String)? {
        for index in term.indices {
            for symbol in ["!=", "==", "="] where term[index...].hasPrefix(symbol) {
                return (String(term[..<index]), symbol, String(term[index...].dropFirst(symbol.count)))
            }
        }
        return nil
    }

    private static func unescape(_ text: String) throws(APIError) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                guard [",", "=", "\\"].contains(character) else {
                    throw APIError.badRequest("invalid field selector: invalid escape sequence: \\\(character)")
                }
                result.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "=" || character == "," {
                throw APIError.badRequest("invalid field selector: unescaped character: \(character)")
            } else {
                result.append(character)
            }
        }
        if isEscaped { throw APIError.badRequest("invalid field selector: invalid escape sequence: \\") }
        return result
    }

    /// The fields each kind can be selected by beside its name and namespace, and where the value is.
    private static let fields: [String: [String: String]] = [
        "/Pod": [
            "spec.nodeName": "spec.nodeName", "spec.host": "spec.nodeName", "spec.restartPolicy": "spec.restartPolicy",
            "spec.schedulerName": "spec.schedulerName",
            "spec.serviceAccountName": "spec.serviceAccountName", "spec.hostNetwork": "spec.hostNetwork#false",
            "status.phase": "status.phase", "status.podIP": "status.podIP",
            "status.podIPs": "status.podIPs", "status.nominatedNodeName": "status.nominatedNodeName",
        ],
        "/Node": ["spec.unschedulable": "spec.unschedulable#false"],
        "/Namespace": ["status.phase": "status.phase", "name": "metadata.name"],
        "/Secret": ["type": "type"],
        "/ReplicationController": ["status.replicas": "status.replicas#0", "name": "metadata.name"],
        "/PersistentVolume": ["name": "metadata.name"],
        "/PersistentVolumeClaim": ["name": "metadata.name"],
        "/Service": ["spec.clusterIP": "spec.clusterIP", "spec.type": "spec.type"],
        "/ServiceAccount": [:],
        "/Event": event("involvedObject").merging([
            "reportingComponent": "reportingComponent", "source": "source.component|reportingComponent",
        ]) { $1 },
        "events.k8s.io/Event": event("regarding").merging([
            "reportingController": "reportingController"
        ]) { $1 },
        "apps/ReplicaSet": ["status.replicas": "status.replicas#0"],
        "batch/Job": ["status.successful": "status.succeeded#0"],
        "certificates.k8s.io/CertificateSigningRequest": ["spec.signerName": "spec.signerName"],
        "certificates.k8s.io/ClusterTrustBundle": ["spec.signerName": "spec.signerName"],
        "certificates.k8s.io/PodCertificateRequest": [
            "spec.signerName": "spec.signerName", "spec.podName": "spec.podName", "spec.nodeName": "spec.nodeName",
        ],
        "resource.k8s.io/ResourceSlice": ["spec.nodeName": "spec.nodeName", "spec.driver": "spec.driver"],
    ]

    private static func event(_ about: String) -> [String: String] {
        var fields = ["reason": "reason", "type": "type"]
        for name in ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] {
            fields["\(about).\(name)"] = "\(about).\(name)"
        }
        return fields
    }
}
