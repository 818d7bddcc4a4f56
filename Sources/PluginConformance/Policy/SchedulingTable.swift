internal import APIModel
public import PluginAPI

/// Nodes and one Pod as the C structures of `apus/scheduler_policy.h`: for suites and benchmarks of a policy.
public final class SchedulingTable: @unchecked Sendable {
    // Sendable because nothing here changes after `init`; whoever the pointers are lent to may only read.
    private let memory: TableMemory
    public let nodes: UnsafePointer<apus_nodes>
    public let pod: UnsafePointer<apus_pod>
    /// The set of all Nodes that are no holes.
    public let present: [UInt64]

    /// - Parameters:
    ///   - nodes: a `nil` is a hole.
    ///   - junk: whether the values of holes are wild instead of zero. They mean nothing either way.
    ///   - isShared: whether the Nodes lie where a plugin in a process of its own finds them.
    public init(_ nodes: [NodeSample?], pod: PodSample, junk: Bool = false, isShared: Bool = false) {
        let memory = TableMemory(isShared: isShared)
        self.memory = memory
        var strings = StringNumbers()
        let resources = ["cpu", "memory", "ephemeral-storage", "pods"].map { strings.number($0) }
        let podTable = Self.lay(pod, memory, &strings)
        self.pod = UnsafePointer(memory.keep([podTable]))

        let wildNumber: Int64 = junk ? .min : 0
        let wildString: apus_string = junk ? .max : 0
        var labels = Rows<apus_label>()
        var taints = Rows<apus_taint>()
        var ports = Rows<apus_host_port>()
        var limits = Rows<apus_volume_limit>()
        var features = Rows<apus_string>()
        var present = [UInt64](repeating: 0, count: (nodes.count + 63) / 64)
        for (index, node) in nodes.enumerated() {
            if node != nil { present[index / 64] |= 1 << (index % 64) }
            let wild = junk && node == nil
            labels.add(wild ? [apus_label(key: wildString, value: wildString)] : Self.labels(node?.labels ?? [:], &strings))
            taints.add(
                wild
                    ? [apus_taint(key: wildString, value: wildString, effect: 77)]
                    : (node?.taints ?? []).map {
                        apus_taint(key: strings.number($0.key), value: strings.number($0.value), effect: $0.effect)
                    })
            limits.add(wild ? [apus_volume_limit(driver: wildString, limit: -1, attached: -1)] : [])
            features.add(wild ? [wildString] : [])
            ports.add(wild ? [apus_host_port(protocol: 77, port: -1, ip: wildString)] : Self.ports(node?.hostPorts ?? []))
        }
        let names = nodes.map { node in node.map { strings.number($0.name) } ?? 0 }
        let allocatable = resources.indices.map { resource in
            UnsafePointer(memory.keep(nodes.map { $0?.allocatable[resource] ?? wildNumber }))
        }
        let requested = resources.indices.map { resource in UnsafePointer(memory.keep(nodes.map { $0?.requested[resource] ?? wildNumber }))
        }

        var table = apus_nodes(
            size: UInt32(MemoryLayout<apus_nodes>.size), count: UInt32(nodes.count), generation: 1, names: memory.keep(names),
            resource_count: UInt32(resources.count),
            resources: memory.keep(resources), allocatable: Self.columns(allocatable, memory), requested: Self.columns(requested, memory),
            nonzero_cpu: memory.keep(nodes.map { $0.map { max($0.requested[0], 100) } ?? wildNumber }),
            nonzero_memory: memory.keep(nodes.map { $0.map { max($0.requested[1], 200 << 20) } ?? wildNumber }),
            unschedulable: memory.keep(nodes.map { $0.map { $0.isUnschedulable ? 1 : 0 } ?? (junk ? 77 : UInt8(0)) }),
            label_ranges: labels.ranges(memory), labels: memory.keep(labels.elements), taint_ranges: taints.ranges(memory),
            taints: memory.keep(taints.elements), port_ranges: ports.ranges(memory), ports: memory.keep(ports.elements),
            volume_limit_ranges: limits.ranges(memory), volume_limits: memory.keep(limits.elements),
            feature_ranges: features.ranges(memory), features: memory.keep(features.elements),
            strings: memory.keep([apus_borrowed]()), string_count: 0,
            live_count: UInt32(nodes.count { $0 != nil }), string_epoch: 0,
            identity: .random(in: 1 ... .max), changes: Self.unchanged(memory), touched: Self.unchanged(memory), pods: Self.noPods(memory),
            namespaces: Self.noNamespaces(memory))
        let texts = strings.strings.map { memory.keep($0) }
        table.strings = UnsafePointer(memory.keep(texts))
        table.string_count = UInt32(texts.count)
        self.nodes = UnsafePointer(memory.keep([table]))
        self.present = present
    }

    /// Every byte that was lent, to see whether one was written to.
    var contents: [UInt8] { memory.contents }

    /// Rows laid end to end.
    private struct Rows<Element> {
        var elements: [Element] = []
        private var starts: [UInt32] = []
        private var counts: [UInt32] = []

        mutating func add(_ row: [Element]) {
            starts.append(UInt32(elements.count))
            counts.append(UInt32(row.count))
            elements += row
        }

        func ranges(_ memory: TableMemory) -> apus_ranges { apus_ranges(starts: memory.keep(starts), counts: memory.keep(counts)) }
    }

    private static func unchanged(_ memory: TableMemory) -> apus_changes {
        apus_changes(count: 0, capacity: 1, reserved: 0, rows: memory.keep([UInt32(0)]))
    }

    private static func noPods(_ memory: TableMemory) -> UnsafePointer<apus_pods> {
        let pods = apus_pods(
            size: UInt32(MemoryLayout<apus_pods>.size), count: 0, changes: unchanged(memory), nodes: memory.keep([UInt32]()),
            names: memory.keep([apus_string]()), classes: memory.keep([UInt32]()), priorities: memory.keep([Int32]()),
            terminating: memory.keep([UInt8]()), starts: memory.keep([Int64]()), request_ranges: Rows<apus_amount>().ranges(memory),
            requests: memory.keep([apus_amount]()), class_count: 0, reserved: 0, class_rows: memory.keep([apus_pod_class]()))
        return UnsafePointer(memory.keep([pods]))
    }

    private static func noNamespaces(_ memory: TableMemory) -> UnsafePointer<apus_namespaces> {
        let namespaces = apus_namespaces(
            size: UInt32(MemoryLayout<apus_namespaces>.size), count: 0, changes: unchanged(memory), names: memory.keep([apus_string]()),
            label_ranges: Rows<apus_label>().ranges(memory), labels: memory.keep([apus_label]()))
        return UnsafePointer(memory.keep([namespaces]))
    }

    private static func columns(_ columns: [UnsafePointer<Int64>], _ memory: TableMemory) -> UnsafePointer<UnsafePointer<Int64>> {
        UnsafePointer(memory.keep(columns))
    }

    private static func labels(_ labels: [String: String], _ strings: inout StringNumbers) -> [apus_label] {
        labels.sorted { $0.key < $1.key }.map { apus_label(key: strings.number($0.key), value: strings.number($0.value)) }
    }

    private static func ports(_ ports: [Int32]) -> [apus_host_port] {
        ports.map { apus_host_port(protocol: APUS_PROTOCOL_TCP, port: $0, ip: 0) }
    }

    private static func requirement(_ requirement: PodSample.Requirement, _ memory: TableMemory, _ strings: inout StringNumbers)
        -> apus_requirement
    {
        let isNumber = [APUS_OPERATOR_GREATER, APUS_OPERATOR_LESS].contains(requirement.op)
        return apus_requirement(
            key: strings.number(requirement.key), op: requirement.op, on_name: requirement.isOnName ? 1 : 0,
            value_count: UInt32(requirement.values.count),
            values: memory.keepAny(requirement.values.map { strings.number($0) }),
            number: isNumber ? Int64(requirement.values.first ?? "") ?? 0 : 0)
    }

    private static func term(
        _ weight: Int32, _ requirements: [PodSample.Requirement], _ memory: TableMemory, _ strings: inout StringNumbers
    ) -> apus_term {
        let laid = requirements.map { requirement($0, memory, &strings) }
        return apus_term(requirement_count: UInt32(laid.count), weight: weight, requirements: memory.keepAny(laid))
    }

    private static func lay(_ pod: PodSample, _ memory: TableMemory, _ strings: inout StringNumbers) -> apus_pod {
        let required = (pod.required ?? []).map { term(0, $0, memory, &strings) }
        let preferred = pod.preferred.map { term($0.weight, $0.requirements, memory, &strings) }
        let tolerations = pod.tolerations.map {
            apus_toleration(key: strings.number($0.key), value: strings.number($0.value), op: $0.op, effect: $0.effect)
        }
        let selector = labels(pod.selector, &strings)
        let own = labels(pod.labels, &strings)
        let affinity = pod.affinity.map { podTerm($0, memory, &strings) }
        let antiAffinity = pod.antiAffinity.map { podTerm($0, memory, &strings) }
        let spread = pod.spread.map { constraint($0, memory, &strings) }
        let images = [apus_image(name: strings.number(PodSample.image), uses: 1, size: 0, node_count: 0, version: 0, nodes: nil)]
        return apus_pod(
            size: UInt32(MemoryLayout<apus_pod>.size), priority: pod.priority, namespace_: memory.keep("default"),
            name: memory.keep(pod.name), uid: memory.keep("uid-" + pod.name),
            json: memory.keep(String(decoding: JSON.encode(pod.json), as: UTF8.self)), requests: memory.keep(pod.requests + [1]),
            request_count: UInt32(pod.requests.count + 1), node_name: strings.number(pod.nodeName), nonzero_cpu: max(pod.requests[0], 100),
            nonzero_memory: max(pod.requests[1], 200 << 20), selector_count: UInt32(selector.count),
            required_count: UInt32(required.count), preferred_count: UInt32(preferred.count), has_required: pod.required == nil ? 0 : 1,
            toleration_count: UInt32(tolerations.count), port_count: UInt32(pod.hostPorts.count), selector: memory.keepAny(selector),
            required: memory.keepAny(required), preferred: memory.keepAny(preferred), tolerations: memory.keepAny(tolerations),
            ports: memory.keepAny(ports(pod.hostPorts)), namespace_string: strings.number("default"), may_preempt: 1,
            label_count: UInt32(own.count), affinity_count: UInt32(affinity.count), anti_affinity_count: UInt32(antiAffinity.count),
            preferred_affinity_count: 0, preferred_anti_affinity_count: 0, spread_count: UInt32(spread.count),
            image_count: UInt32(images.count), claim_count: 0, labels: memory.keepAny(own), affinity: memory.keepAny(affinity),
            anti_affinity: memory.keepAny(antiAffinity), preferred_affinity: nil, preferred_anti_affinity: nil,
            spread: memory.keepAny(spread), images: memory.keepAny(images), claims: nil,
            volume_rule_count: 0, container_count: 1, volume_rules: nil, attachments: nil, attachment_count: 0, added_required_count: 0,
            added_required: nil, has_added_required: 0, scheduler_name: 0, profile: memory.keep(""), profile_serial: 0, group: 0,
            feature_count: 0, features: nil, needs_serial: 0)
    }

    private static func equality(_ labels: [String: String], _ memory: TableMemory, _ strings: inout StringNumbers) -> apus_selector {
        let requirements = labels.sorted { $0.key < $1.key }.map {
            requirement(.init($0.key, APUS_OPERATOR_IN, [$0.value]), memory, &strings)
        }
        return apus_selector(is_present: 1, requirement_count: UInt32(requirements.count), requirements: memory.keepAny(requirements))
    }

    private static func podTerm(_ term: PodSample.Neighbours, _ memory: TableMemory, _ strings: inout StringNumbers) -> apus_pod_term {
        let namespaces = [strings.number("default")]
        return apus_pod_term(
            topology_key: strings.number(term.topologyKey), weight: 0, namespace_count: 1, reserved: 0,
            namespaces: memory.keepAny(namespaces),
            namespace_selector: apus_selector(is_present: 0, requirement_count: 0, requirements: nil),
            selector: equality(term.labels, memory, &strings))
    }

    private static func constraint(_ term: PodSample.Neighbours, _ memory: TableMemory, _ strings: inout StringNumbers) -> apus_spread {
        apus_spread(
            topology_key: strings.number(term.topologyKey), max_skew: 1, min_domains: 1, is_required: 1, honors_affinity: 1,
            honors_taints: 0, is_default: 0, reserved: 0, selector: equality(term.labels, memory, &strings))
    }
}
