internal import APIModel
internal import Glibc
internal import PluginAPI

/// A Pod's needs as the ABI lends them to policies. Everything it points to lives as long as it does, and it holds the numbers of all strings
/// and the columns of all resources in it.
final class PodArguments {
    private let pod = UnsafeMutablePointer<apus_pod>.allocate(capacity: 1)
    private var memory: [UnsafeMutableRawPointer] = []
    private var numbers: [apus_string] = []
    private var columns: [Int] = []
    private let strings: StringTable
    private let resources: ResourceColumns

    init(_ info: PodInfo, strings: StringTable, resources: ResourceColumns) {
        self.strings = strings
        self.resources = resources
        let (spec, object) = (info.object.value["spec"], info.object)
        // A structure of zeros is a Pod that asks for nothing.
        memset(pod, 0, MemoryLayout<apus_pod>.size)
        pod.pointee.size = UInt32(MemoryLayout<apus_pod>.size)
        pod.pointee.priority = info.priority
        pod.pointee.may_preempt = info.mayPreempt ? 1 : 0
        pod.pointee.namespace_ = lend(Array(info.key.namespace.utf8))
        pod.pointee.namespace_string = number(info.key.namespace)
        pod.pointee.name = lend(Array(info.key.name.utf8))
        pod.pointee.uid = lend(Array(info.uid.utf8))
        pod.pointee.json = lend(object.bytes)
        pod.pointee.node_name = number(info.nodeName)
        setRequests(info.requests)
        setNodeAffinity(spec)
        (pod.pointee.tolerations, pod.pointee.toleration_count) = lend(spec["tolerations"].elements.map(toleration))
        (pod.pointee.ports, pod.pointee.port_count) = lend(
            info.hostPorts.map { apus_host_port(protocol: $0.networkProtocol, port: $0.port, ip: number($0.ip)) })
        (pod.pointee.labels, pod.pointee.label_count) = lend(labels(object.labels))
        let affinity = PodTerms(pod: object, self)
        (pod.pointee.affinity, pod.pointee.affinity_count) = lend(affinity.required("podAffinity"))
        (pod.pointee.anti_affinity, pod.pointee.anti_affinity_count) = lend(affinity.required("podAntiAffinity"))
        (pod.pointee.preferred_affinity, pod.pointee.preferred_affinity_count) = lend(affinity.preferred("podAffinity"))
        (pod.pointee.preferred_anti_affinity, pod.pointee.preferred_anti_affinity_count) = lend(affinity.preferred("podAntiAffinity"))
        (pod.pointee.spread, pod.pointee.spread_count) = lend(affinity.spread)
        (pod.pointee.images, pod.pointee.image_count) = lend(Self.images(spec).map(number))
        (pod.pointee.claims, pod.pointee.claim_count) = lend(Self.claims(spec, pod: info.key.name).map(number))
    }

    /// Lends the needs for the duration of `body`.
    func withPointer<R>(_ body: (UnsafePointer<apus_pod>) throws -> R) rethrows -> R {
        try withExtendedLifetime(self) { try body(UnsafePointer(pod)) }
    }

    deinit {
        pod.deallocate()
        for piece in memory { piece.deallocate() }
        for number in numbers { strings.release(number) }
        for column in columns { resources.release(column) }
    }

    private func setRequests(_ requests: PodRequests) {
        let others = requests.amounts.others.map { (column: resources.hold($0.name), amount: $0.amount) }
        columns = others.map(\.column)
        var amounts = [Int64](repeating: 0, count: resources.count)
        for column in ResourceAmounts.fixedNames.indices { amounts[column] = requests.amounts.fixed[column] }
        for other in others { amounts[other.column] = other.amount }
        if let start = lend(amounts).0 { pod.pointee.requests = start }
        pod.pointee.request_count = UInt32(amounts.count)
        pod.pointee.nonzero_cpu = requests.nonzeroCPU
        pod.pointee.nonzero_memory = requests.nonzeroMemory
    }

    private func setNodeAffinity(_ spec: Value) {
        (pod.pointee.selector, pod.pointee.selector_count) = lend(labels(spec["nodeSelector"].strings))
        let affinity = spec["affinity"]["nodeAffinity"]
        let required = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
        pod.pointee.has_required = required.isNull ? 0 : 1
        (pod.pointee.required, pod.pointee.required_count) = lend(required["nodeSelectorTerms"].elements.map { term($0, weight: 0) })
        (pod.pointee.preferred, pod.pointee.preferred_count) = lend(
            affinity["preferredDuringSchedulingIgnoredDuringExecution"].elements.map {
                term($0["preference"], weight: Int32($0["weight"].int ?? 0))
            })
    }

    /// The images of all containers, each once, as Nodes list them: with a tag.
    private static func images(_ spec: Value) -> [String] {
        var images: [String] = []
        for container in spec["initContainers"].elements + spec["containers"].elements {
            guard var image = container["image"].string, !image.isEmpty else { continue }
            let last = image.lastIndex(of: "/").map { image[$0...] } ?? image[...]
            if !last.contains(":") { image += ":latest" }
            if !images.contains(image) { images.append(image) }
        }
        return images
    }

    private static func claims(_ spec: Value, pod: String) -> [String] {
        spec["volumes"].elements.compactMap { volume in
            volume["ephemeral"].isNull ? volume["persistentVolumeClaim"]["claimName"].string : "\(pod)-\(volume["name"].string ?? "")"
        }
    }
}

// Lending.
extension PodArguments {
    /// The number of `text`, held as long as this is.
    func number(_ text: String) -> apus_string {
        let number = strings.hold(text)
        numbers.append(number)
        return number
    }

    func lend<T: BitwiseCopyable>(_ elements: [T]) -> (UnsafePointer<T>?, UInt32) {
        guard !elements.isEmpty else { return (nil, 0) }
        let pointer = UnsafeMutablePointer<T>.allocate(capacity: elements.count)
        pointer.initialize(from: elements, count: elements.count)
        memory.append(UnsafeMutableRawPointer(pointer))
        return (UnsafePointer(pointer), UInt32(elements.count))
    }

    private func lend(_ bytes: [UInt8]) -> apus_borrowed {
        let (pointer, count) = lend(bytes) as (UnsafePointer<UInt8>?, UInt32)
        return apus_borrowed(bytes: pointer, count: UInt64(count))
    }
}

// From the spec's words to numbers.
extension PodArguments {
    private static let effects: [String: Int32] = [
        "NoSchedule": APUS_EFFECT_NO_SCHEDULE, "PreferNoSchedule": APUS_EFFECT_PREFER_NO_SCHEDULE, "NoExecute": APUS_EFFECT_NO_EXECUTE,
    ]
    private static let operators: [String: Int32] = [
        "In": APUS_OPERATOR_IN, "NotIn": APUS_OPERATOR_NOT_IN, "Exists": APUS_OPERATOR_EXISTS, "DoesNotExist": APUS_OPERATOR_DOES_NOT_EXIST,
        "Gt": APUS_OPERATOR_GREATER, "Lt": APUS_OPERATOR_LESS,
    ]

    static func effect(_ name: String?) -> Int32 { effects[name ?? ""] ?? 0 }

    private func labels(_ labels: [String: String]) -> [apus_label] {
        labels.sorted { $0.key < $1.key }.map { apus_label(key: number($0.key), value: number($0.value)) }
    }

    private func toleration(_ value: Value) -> apus_toleration {
        apus_toleration(
            key: number(value["key"].string ?? ""), value: number(value["value"].string ?? ""),
            op: value["operator"].string == "Exists" ? APUS_OPERATOR_EXISTS : APUS_OPERATOR_EQUAL,
            effect: Self.effect(value["effect"].string))
    }

    private func term(_ value: Value, weight: Int32) -> apus_term {
        let requirements =
            value["matchExpressions"].elements.map { requirement($0, onName: false) }
            + value["matchFields"].elements.map { requirement($0, onName: true) }
        let (pointer, count) = lend(requirements)
        return apus_term(requirement_count: count, weight: weight, requirements: pointer)
    }

    /// `key operator values`, as node selectors and label selectors write it.
    func requirement(_ value: Value, onName: Bool = false) -> apus_requirement {
        let texts = value["values"].elements.compactMap(\.string)
        let op = Self.operators[value["operator"].string ?? ""] ?? 0
        return requirement(value["key"].string ?? "", op, texts, onName: onName)
    }

    func requirement(_ key: String, _ op: Int32, _ texts: [String], onName: Bool = false) -> apus_requirement {
        let (values, count) = lend(texts.map(number))
        // A bound that is no number, which the API refuses, stands for one that nothing satisfies.
        let bound = texts.first.flatMap { Int64($0) } ?? (op == APUS_OPERATOR_LESS ? .min : .max)
        return apus_requirement(key: number(key), op: op, on_name: onName ? 1 : 0, value_count: count, values: values, number: bound)
    }
}
