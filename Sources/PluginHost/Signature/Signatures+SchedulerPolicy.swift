internal import PluginAPI

extension Signatures {
    static let schedulerPolicy = TableDescriptor(
        APUS_SCHEDULER_POLICY, number: 0, size: MemoryLayout<apus_scheduler_policy>.size,
        [
            SlotDescriptor(
                "prefilter", [.me, .structure(pod), .sink(limit: sentence)], .status, Tag(.worker, .running), isRequired: false,
                deadline: .seconds(1)),
            SlotDescriptor(
                "filter",
                [
                    .me, .structure(pod), nodes, .array(element: 8, nodeBits, .inOut), .callbacks(reasons, optional: true),
                    .sink(limit: sentence),
                ], .status,
                Tag(.worker, .running), isRequired: false, deadline: .seconds(1)),
            SlotDescriptor(
                "score",
                [
                    .me, .structure(pod), nodes, .array(element: 8, nodeBits, .in),
                    .array(element: 4, Count(2, offset: at(\apus_nodes.count)), .out), .sink(limit: sentence),
                ],
                .status, Tag(.worker, .running), isRequired: false, deadline: .seconds(1)),
            SlotDescriptor(
                "explain",
                [
                    .me, .structure(pod), nodes, .array(element: 8, nodeBits, .in), .callbacks(parts, optional: false),
                    .sink(limit: sentence),
                ], .status, Tag(.worker, .running), isRequired: false, deadline: .seconds(1)),
            SlotDescriptor(
                "permit",
                [
                    .me, .structure(pod), nodes, .int32, .number(bytes: 8, .inOut), .callbacks(waiting), .sink(limit: sentence),
                ], .status, Tag(.worker, .running), isRequired: false, deadline: .seconds(1)),
            SlotDescriptor(
                "unreserve", [.me, .bytes, .callbacks(waiting)], .void, Tag(.worker, .running), isRequired: false, deadline: .seconds(1)),
            SlotDescriptor(
                "observe", [.me, .bytes, .bytes, .bytes, .callbacks(waiting)], .void, Tag(.worker, .running), isRequired: false,
                deadline: .seconds(1)),
            SlotDescriptor(
                "affected", [.me, .structure(pod), nodes, .int32, .array(element: 8, nodeBits, .inOut), .sink(limit: sentence)], .status,
                Tag(.worker, .running), isRequired: false, deadline: .seconds(1)),
            SlotDescriptor(
                "less", [.me, .structure(queuedPod), .structure(queuedPod), .number(bytes: 4, .inOut), .sink(limit: sentence)], .status,
                Tag(.worker, .running), isRequired: false, deadline: .seconds(1)),
            SlotDescriptor(
                "prebind", [.me, .structure(queuedPod), .bytes, .sink(limit: sentence)], .status, Tag(.worker, .running),
                isRequired: false, deadline: .seconds(600), mayBlock: true),
        ])

    private static let queuedPod = Layout(
        "apus_queued_pod", size: MemoryLayout<apus_queued_pod>.stride,
        [
            .init(offset: at(\apus_queued_pod.namespace_), target: .bytes),
            .init(offset: at(\apus_queued_pod.name), target: .bytes),
            .init(offset: at(\apus_queued_pod.uid), target: .bytes),
            .init(offset: at(\apus_queued_pod.group), target: .bytes),
            .init(offset: at(\apus_queued_pod.json), target: .bytes),
        ])

    private static let nodes = Shape.shared(size: MemoryLayout<apus_nodes>.size)
    private static let nodeBits = Count(2, offset: at(\apus_nodes.count), isBits: true)

    static let reasons = Callbacks(
        "apus_reasons",
        [
            SlotDescriptor(
                "add",
                [
                    .me, .array(element: 8, Count(2, offset: at(\apus_nodes.count), isBits: true, isOfEnclosingCall: true), .in), .int32,
                    .bytes, .int32,
                ],
                .void, Tag(.any, .running))
        ], life: .call)

    static let parts = Callbacks(
        "apus_parts",
        [
            SlotDescriptor(
                "add",
                [
                    .me, .bytes, .int32, .array(element: 4, Count(2, offset: at(\apus_nodes.count), isOfEnclosingCall: true), .in),
                ], .void, Tag(.any, .running))
        ], life: .call)

    static let waiting = Callbacks(
        "apus_waiting",
        [
            SlotDescriptor("allow", [.me, .bytes], .void, Tag(.any, .running)),
            SlotDescriptor("reject", [.me, .bytes, .bytes], .void, Tag(.any, .running)),
        ], life: .call)

    private static let requirement = Layout(
        "apus_requirement", size: MemoryLayout<apus_requirement>.stride,
        [
            .init(
                offset: at(\apus_requirement.values),
                target: strings(count: at(\apus_requirement.value_count)))
        ])

    private static let term = Layout(
        "apus_term", size: MemoryLayout<apus_term>.stride,
        [.init(offset: at(\apus_term.requirements), target: .structures(requirement, count: at(\apus_term.requirement_count)))])

    private static let podTerm = Layout(
        "apus_pod_term", size: MemoryLayout<apus_pod_term>.stride,
        [
            .init(offset: at(\apus_pod_term.namespaces), target: strings(count: at(\apus_pod_term.namespace_count))),
            .init(
                offset: at(\apus_pod_term.namespace_selector.requirements),
                target: .structures(requirement, count: at(\apus_pod_term.namespace_selector.requirement_count))),
            .init(
                offset: at(\apus_pod_term.selector.requirements),
                target: .structures(requirement, count: at(\apus_pod_term.selector.requirement_count))),
        ])

    private static let spread = Layout(
        "apus_spread", size: MemoryLayout<apus_spread>.stride,
        [
            .init(
                offset: at(\apus_spread.selector.requirements),
                target: .structures(requirement, count: at(\apus_spread.selector.requirement_count)))
        ])

    private static let image = Layout(
        "apus_image", size: MemoryLayout<apus_image>.stride,
        [.init(offset: at(\apus_image.nodes), target: .values(size: 4, count: at(\apus_image.node_count)))])

    private static let attachment = Layout(
        "apus_attachment", size: MemoryLayout<apus_attachment>.stride,
        [.init(offset: at(\apus_attachment.nodes), target: .values(size: 4, count: at(\apus_attachment.node_count)))])

    private static let volumeRule = Layout(
        "apus_volume_rule", size: MemoryLayout<apus_volume_rule>.stride,
        [.init(offset: at(\apus_volume_rule.terms), target: .structures(term, count: at(\apus_volume_rule.term_count)))])

    private static func strings(count: Int) -> Layout.Target { .values(size: MemoryLayout<apus_string>.stride, count: count) }
    private static func labels(count: Int) -> Layout.Target { .values(size: MemoryLayout<apus_label>.stride, count: count) }

    static let pod = Layout(
        "apus_pod", size: MemoryLayout<apus_pod>.stride,
        [
            .init(offset: at(\apus_pod.namespace_), target: .bytes),
            .init(offset: at(\apus_pod.name), target: .bytes),
            .init(offset: at(\apus_pod.uid), target: .bytes),
            .init(offset: at(\apus_pod.json), target: .bytes),
            .init(offset: at(\apus_pod.requests), target: .values(size: 8, count: at(\apus_pod.request_count))),
            .init(offset: at(\apus_pod.selector), target: labels(count: at(\apus_pod.selector_count))),
            .init(offset: at(\apus_pod.required), target: .structures(term, count: at(\apus_pod.required_count))),
            .init(offset: at(\apus_pod.preferred), target: .structures(term, count: at(\apus_pod.preferred_count))),
            .init(
                offset: at(\apus_pod.tolerations),
                target: .values(size: MemoryLayout<apus_toleration>.stride, count: at(\apus_pod.toleration_count))),
            .init(offset: at(\apus_pod.ports), target: .values(size: MemoryLayout<apus_host_port>.stride, count: at(\apus_pod.port_count))),
            .init(offset: at(\apus_pod.labels), target: labels(count: at(\apus_pod.label_count))),
            .init(offset: at(\apus_pod.affinity), target: .structures(podTerm, count: at(\apus_pod.affinity_count))),
            .init(offset: at(\apus_pod.anti_affinity), target: .structures(podTerm, count: at(\apus_pod.anti_affinity_count))),
            .init(offset: at(\apus_pod.preferred_affinity), target: .structures(podTerm, count: at(\apus_pod.preferred_affinity_count))),
            .init(
                offset: at(\apus_pod.preferred_anti_affinity),
                target: .structures(podTerm, count: at(\apus_pod.preferred_anti_affinity_count))),
            .init(offset: at(\apus_pod.spread), target: .structures(spread, count: at(\apus_pod.spread_count))),
            .init(offset: at(\apus_pod.images), target: .structures(image, count: at(\apus_pod.image_count))),
            .init(offset: at(\apus_pod.claims), target: strings(count: at(\apus_pod.claim_count))),
            .init(offset: at(\apus_pod.volume_rules), target: .structures(volumeRule, count: at(\apus_pod.volume_rule_count))),
            .init(offset: at(\apus_pod.attachments), target: .structures(attachment, count: at(\apus_pod.attachment_count))),
            .init(offset: at(\apus_pod.added_required), target: .structures(term, count: at(\apus_pod.added_required_count))),
            .init(offset: at(\apus_pod.profile), target: .bytes),
            .init(offset: at(\apus_pod.features), target: strings(count: at(\apus_pod.feature_count))),
        ])
}
