internal import APIModel
internal import PluginAPI

/// A Pod's needs as the ABI lends them to policies. Everything it points to lives as long as it does.
final class PodArguments {
    private let pod = UnsafeMutablePointer<apus_pod>.allocate(capacity: 1)
    private var memory: [UnsafeMutableRawPointer] = []

    init(_ info: PodInfo, strings: StringTable, resources: ResourceNames) {
        let spec = info.object.value["spec"]
        let requests = UnsafeMutablePointer<Int64>.allocate(capacity: resources.count)
        requests.initialize(repeating: 0, count: resources.count)
        for (column, amount) in info.requests.amounts { requests[column] = amount }
        memory.append(UnsafeMutableRawPointer(requests))

        let selector = lend(
            spec["nodeSelector"].strings.sorted { $0.key < $1.key }.map {
                apus_label(key: strings.number($0.key), value: strings.number($0.value))
            })
        let tolerations = lend(spec["tolerations"].elements.map { Self.toleration($0, strings) })
        let ports = lend(info.hostPorts)
        let affinity = spec["affinity"]["nodeAffinity"]
        let requiredAffinity = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
        let required = lend(requiredAffinity["nodeSelectorTerms"].elements.map { term($0, weight: 0, strings) })
        let preferredAffinity = affinity["preferredDuringSchedulingIgnoredDuringExecution"].elements
        let preferred = lend(preferredAffinity.map { term($0["preference"], weight: Int32(clamping: $0["weight"].int ?? 0), strings) })

        pod.initialize(
            to: apus_pod(
                size: UInt32(MemoryLayout<apus_pod>.size), priority: info.priority, namespace_: lend(Array(info.key.namespace.utf8)),
                name: lend(Array(info.key.name.utf8)),
                uid: lend(Array(info.uid.utf8)), json: lend(info.object.bytes), requests: UnsafePointer(requests),
                nonzero_cpu: info.requests.nonzeroCPU,
                nonzero_memory: info.requests.nonzeroMemory, node_name: strings.number(info.nodeName), selector_count: selector.1,
                required_count: required.1,
                preferred_count: preferred.1, toleration_count: tolerations.1, port_count: ports.1,
                has_required: requiredAffinity.isNull ? 0 : 1,
                request_count: UInt32(resources.count), reserved: 0, selector: selector.0,
                required: required.0, preferred: preferred.0, tolerations: tolerations.0, ports: ports.0))
    }

    /// Lends the needs for the duration of `body`.
    func withPointer<R>(_ body: (UnsafePointer<apus_pod>) throws -> R) rethrows -> R {
        try withExtendedLifetime(self) { try body(UnsafePointer(pod)) }
    }

    deinit {
        pod.deallocate()
        for piece in memory { piece.deallocate() }
    }

    private static let effects: [String: Int32] = [
        "NoSchedule": APUS_EFFECT_NO_SCHEDULE, "PreferNoSchedule": APUS_EFFECT_PREFER_NO_SCHEDULE, "NoExecute": APUS_EFFECT_NO_EXECUTE,
    ]
    private static let operators: [String: Int32] = [
        "In": APUS_OPERATOR_IN, "NotIn": APUS_OPERATOR_NOT_IN, "Exists": APUS_OPERATOR_EXISTS, "DoesNotExist": APUS_OPERATOR_DOES_NOT_EXIST,
        "Gt": APUS_OPERATOR_GREATER,
        "Lt": APUS_OPERATOR_LESS,
    ]

    static func effect(_ name: String?) -> Int32 { effects[name ?? ""] ?? 0 }

    private static func toleration(_ value: Value, _ strings: StringTable) -> apus_toleration {
        apus_toleration(
            key: strings.number(value["key"].string ?? ""), value: strings.number(value["value"].string ?? ""),
            op: value["operator"].string == "Exists" ? APUS_OPERATOR_EXISTS : APUS_OPERATOR_EQUAL, effect: effect(value["effect"].string))
    }

    private func term(_ value: Value, weight: Int32, _ strings: StringTable) -> apus_term {
        let requirements =
            value["matchExpressions"].elements.map { requirement($0, onName: false, strings) }
            + value["matchFields"].elements.map { requirement($0, onName: true, strings) }
        let (pointer, count) = lend(requirements)
        return apus_term(requirement_count: count, weight: weight, requirements: pointer)
    }

    private func requirement(_ value: Value, onName: Bool, _ strings: StringTable) -> apus_requirement {
        let texts = value["values"].elements.compactMap(\.string)
        let (values, count) = lend(texts.map(strings.number))
        // A bound that is no number, which the API refuses, stands for one that nothing satisfies.
        let op = Self.operators[value["operator"].string ?? ""] ?? 0
        let number = texts.first.flatMap { Int64($0) } ?? (op == APUS_OPERATOR_LESS ? .min : .max)
        return apus_requirement(
            key: strings.number(value["key"].string ?? ""), op: op, on_name: onName ? 1 : 0, value_count: count, values: values,
            number: number)
    }

    private func lend<T: BitwiseCopyable>(_ elements: [T]) -> (UnsafePointer<T>?, UInt32) {
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
