import APIModel
import OrderedCollections

/// Holds pods and claims to the LimitRanges of their namespace, and gives containers what these have as defaults.
struct LimitRanger: MutatingMember, ValidatingMember {
    let name = "LimitRanger"

    private static let annotation = "kubernetes.io/limit-ranger"

    func concerns(collection: String) -> Bool { collection == "/pods" || collection == "/persistentvolumeclaims" }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        guard Self.concerns(request), request.target.storage.collection == "/pods" else { return }
        for range in Self.ranges(request) { Self.fill(&object, from: range) }
    }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard Self.concerns(request) else { return nil }
        for range in Self.ranges(request) {
            var problems: [String] = []
            for limit in range["spec"]["limits"].elements {
                problems +=
                    request.target.storage.collection == "/pods" ? Self.problems(pod: object, limit) : Self.problems(claim: object, limit)
            }
            if let refusal = Aggregate.text(problems) { throw request.target.forbidden(refusal) }
        }
        return nil
    }

    /// What a pod's containers have changes through `resize` alone.
    private static func concerns(_ request: AdmissionRequest) -> Bool {
        if let old = request.old, !old["metadata"]["deletionTimestamp"].isNull { return false }
        let isOfPods = request.target.storage.collection == "/pods"
        return switch (request.operation, request.target.subresource) {
        case (.create, ""): true
        case (.update, ""): !isOfPods
        case (.update, "resize"): isOfPods
        default: false
        }
    }

    private static func ranges(_ request: AdmissionRequest) -> [Value] {
        request.registry.all("/limitranges", namespace: request.target.namespace).map(\.value)
    }

    // MARK: Defaults

    private static func fill(_ pod: inout Value, from range: Value) {
        var told: [String] = []
        for (list, words) in [("containers", "container"), ("initContainers", "init container")] {
            for index in pod["spec"][list].elements.indices {
                told += fill(&pod["spec"][list][index], from: range, words)
            }
        }
        guard !told.isEmpty else { return }
        pod["metadata"]["annotations"][annotation] = .string("LimitRanger plugin set: " + told.joined(separator: "; "))
    }

    /// Returns what was set, in words.
    private static func fill(_ container: inout Value, from range: Value, _ words: String) -> [String] {
        var told: [String] = []
        for (list, source, word) in [("requests", "defaultRequest", "request"), ("limits", "default", "limit")] {
            var set: [String] = []
            for limit in range["spec"]["limits"].elements where limit["type"].string == "Container" {
                for (resource, amount) in limit[source].fields where container["resources"][list][resource].isNull {
                    container["resources"][list][resource] = amount
                    set.append(resource)
                }
            }
            if !set.isEmpty {
                told.append("\(set.sorted().joined(separator: ", ")) \(word) for \(words) \(container["name"].string ?? "")")
            }
        }
        return told
    }

    // MARK: Limits

    static func problems(pod: Value, _ limit: Value) -> [String] {
        switch limit["type"].string {
        case "Container":
            (pod["spec"]["containers"].elements + pod["spec"]["initContainers"].elements).flatMap { container in
                LimitCheck(
                    type: "Container", requests: ResourceList(container["resources"]["requests"]),
                    limits: ResourceList(container["resources"]["limits"])
                ).problems(limit)
            }
        case "Pod": LimitCheck(type: "Pod", requests: PodTotals.requests(of: pod), limits: PodTotals.limits(of: pod)).problems(limit)
        default: []
        }
    }

    static func problems(claim: Value, _ limit: Value) -> [String] {
        guard limit["type"].string == "PersistentVolumeClaim" else { return [] }
        return LimitCheck(
            type: "PersistentVolumeClaim", requests: ResourceList(claim["spec"]["resources"]["requests"]), limits: nil
        ).problems(limit)
    }
}

/// What one container, pod or claim asks for, against one item of a LimitRange.
struct LimitCheck {
    var type: String
    var requests: ResourceList
    /// `nil` where there are none to speak of.
    var limits: ResourceList?

    /// In upstream's words.
    func problems(_ limit: Value) -> [String] {
        func each(_ list: String, _ check: (String, Quantity) -> String?) -> [String] {
            let amounts = ResourceList(limit[list])
            return amounts.names.compactMap { name in amounts[name].flatMap { check(name, $0) } }
        }
        return each("min", minimum) + each("max", limits == nil ? mostRequested : maximum) + each("maxLimitRequestRatio", ratio)
    }

    private func minimum(_ name: String, _ bound: Quantity) -> String? {
        let words = "minimum \(name) usage per \(type) is \(bound)"
        guard let request = requests[name] else { return "\(words).  No request is specified" }
        if request < bound { return "\(words), but request is \(request)" }
        if let limit = limits?[name], limit < bound { return "\(words), but limit is \(limit)" }
        return nil
    }

    private func maximum(_ name: String, _ bound: Quantity) -> String? {
        let words = "maximum \(name) usage per \(type) is \(bound)"
        guard let limit = limits?[name] else { return "\(words).  No limit is specified" }
        if limit > bound { return "\(words), but limit is \(limit)" }
        if let request = requests[name], request > bound { return "\(words), but request is \(request)" }
        return nil
    }

    private func mostRequested(_ name: String, _ bound: Quantity) -> String? {
        let words = "maximum \(name) usage per \(type) is \(bound)"
        guard let request = requests[name] else { return "\(words).  No request is specified" }
        return request > bound ? "\(words), but request is \(request)" : nil
    }

    private func ratio(_ name: String, _ bound: Quantity) -> String? {
        let words = "\(name) max limit to request ratio per \(type) is \(bound)"
        guard let request = requests[name], !request.isZero else { return "\(words), but no request is specified or request is 0" }
        guard let limit = limits?[name], !limit.isZero else { return "\(words), but no limit is specified or limit is 0" }
        let given = limit.approximateDouble / request.approximateDouble
        return given > bound.approximateDouble ? "\(words), but provided ratio is \(given.sixDecimals)" : nil
    }
}
