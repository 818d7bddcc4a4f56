internal import APIModel
internal import Glibc
internal import PluginAPI
internal import Synchronization

/// A Pod's needs as the ABI lends them to policies. Everything it points to lives as long as it does, and it holds the numbers of all strings
/// and the columns of all resources in it.
final class PodArguments {
    private let pod = UnsafeMutablePointer<apus_pod>.allocate(capacity: 1)
    private let lending: Lending
    private var requested: [Int] = []
    private let resources: ResourceColumns
    /// The name, the uid and the JSON of the Pod that is shown.
    private var own = Column<UInt8>(0)
    private let imageVersions: [(name: String, version: UInt32)]
    private static let lastSerial = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - without: the resources that the Pod gets as devices: the host sees to them.
    ///   - spreadFrom: whom the Pod is spread from where it says nothing of that itself.
    init(
        _ info: PodInfo, without: Set<String> = [], volumes: [PodVolumes.Rule] = [], attachments: [Attachment] = [],
        spreadFrom: Value? = nil,
        profile: SchedulerProfile = .standard, columns: NodeColumns
    ) {
        lending = Lending(columns.strings)
        resources = columns.resources
        let (spec, object) = (info.object.value["spec"], info.object)
        let images = Self.images(spec)
        imageVersions = images.map { ($0.name, columns.images.version(of: $0.name)) }
        // A structure of zeros is a Pod that asks for nothing.
        memset(pod, 0, MemoryLayout<apus_pod>.size)
        pod.pointee.size = UInt32(MemoryLayout<apus_pod>.size)
        pod.pointee.priority = info.priority
        pod.pointee.may_preempt = info.mayPreempt ? 1 : 0
        pod.pointee.namespace_ = lending.bytes(info.key.namespace.utf8)
        pod.pointee.namespace_string = lending.number(info.key.namespace)
        pod.pointee.node_name = lending.number(info.nodeName)
        setRequests(info.requests, without: without)
        setNodeAffinity(spec, profile.arguments.addedAffinity)
        (pod.pointee.tolerations, pod.pointee.toleration_count) = lending.lend(spec["tolerations"].elements.map(toleration))
        (pod.pointee.ports, pod.pointee.port_count) = lending.lend(
            info.hostPorts.map { apus_host_port(protocol: $0.networkProtocol, port: $0.port, ip: lending.number($0.ip)) })
        (pod.pointee.labels, pod.pointee.label_count) = lending.lend(lending.labels(object.labels))
        let affinity = PodTerms(spec: spec, namespace: object.namespace, labels: object.labels, lending)
        (pod.pointee.affinity, pod.pointee.affinity_count) = lending.lend(affinity.required("podAffinity"))
        (pod.pointee.anti_affinity, pod.pointee.anti_affinity_count) = lending.lend(affinity.required("podAntiAffinity"))
        (pod.pointee.preferred_affinity, pod.pointee.preferred_affinity_count) = lending.lend(affinity.preferred("podAffinity"))
        (pod.pointee.preferred_anti_affinity, pod.pointee.preferred_anti_affinity_count) = lending.lend(
            affinity.preferred("podAntiAffinity"))
        (pod.pointee.spread, pod.pointee.spread_count) = lending.lend(
            affinity.spread(profile.arguments.spread, from: spreadFrom))
        (pod.pointee.images, pod.pointee.image_count) = lending.lend(
            images.map { columns.images.lend($0.name, uses: $0.uses, lending) })
        pod.pointee.container_count = UInt32(spec["initContainers"].elements.count + spec["containers"].elements.count)
        (pod.pointee.claims, pod.pointee.claim_count) = lending.lend(info.claims.map { lending.number($0.key.name) })
        (pod.pointee.volume_rules, pod.pointee.volume_rule_count) = lending.lend(volumes.map(rule))
        (pod.pointee.attachments, pod.pointee.attachment_count) = lending.lend(
            attachments.map {
                let (nodes, count) = lending.lend($0.nodes)
                return apus_attachment(driver: lending.number($0.driver), node_count: count, nodes: nodes)
            })
        pod.pointee.scheduler_name = lending.number(profile.schedulerName)
        pod.pointee.profile = lending.bytes(profile.json)
        pod.pointee.profile_serial = profile.serial
        pod.pointee.group = lending.number(spec["schedulingGroup"]["podGroupName"].string ?? "")
        (pod.pointee.features, pod.pointee.feature_count) = lending.lend(Self.features(spec).map(lending.number))
        show(info)
    }

    /// Makes this the needs of another Pod that has the same.
    func show(_ info: PodInfo) {
        let texts = [Array(info.key.name.utf8), Array(info.uid.utf8), info.object.bytes]
        own.removeAll()
        own.grow(to: texts.reduce(0) { $0 + $1.count })
        var start = own.pointer
        func lent(_ bytes: [UInt8]) -> apus_borrowed {
            bytes.withUnsafeBufferPointer { start.update(from: $0.baseAddress ?? UnsafePointer(start), count: $0.count) }
            defer { start += bytes.count }
            return apus_borrowed(bytes: start, count: UInt64(bytes.count))
        }
        (pod.pointee.name, pod.pointee.uid, pod.pointee.json) = (lent(texts[0]), lent(texts[1]), lent(texts[2]))
    }

    /// The number of these needs; zero while they have none.
    var serial: UInt64 { pod.pointee.needs_serial }

    /// Gives the needs a number: that of others which are the same, or one of their own.
    func numbered(_ serial: UInt64? = nil) -> PodArguments {
        pod.pointee.needs_serial = serial ?? Self.lastSerial.add(1, ordering: .relaxed).newValue
        return self
    }

    /// For how many resources there is an amount.
    var resourceCount: Int { Int(pod.pointee.request_count) }

    /// Whether the same Nodes have the images as when this was made.
    func imagesAreSame(_ table: ImageTable) -> Bool { imageVersions.allSatisfy { table.version(of: $0.name) == $0.version } }

    /// Lends the needs for the duration of `body`.
    func withPointer<R>(_ body: (UnsafePointer<apus_pod>) throws -> R) rethrows -> R {
        try withExtendedLifetime(self) { try body(UnsafePointer(pod)) }
    }

    deinit {
        pod.deallocate()
        own.free()
        for column in requested { resources.release(column) }
    }

    private func setRequests(_ requests: PodRequests, without: Set<String>) {
        let others = requests.amounts.others.filter { !without.contains($0.name) }.map {
            (column: resources.hold($0.name), amount: $0.amount)
        }
        requested = others.map(\.column)
        var amounts = [Int64](repeating: 0, count: resources.count)
        for column in ResourceAmounts.fixedNames.indices { amounts[column] = requests.amounts.fixed[column] }
        for other in others { amounts[other.column] = other.amount }
        if let start = lending.lend(amounts).0 { pod.pointee.requests = start }
        pod.pointee.request_count = UInt32(amounts.count)
        pod.pointee.nonzero_cpu = requests.nonzeroCPU
        pod.pointee.nonzero_memory = requests.nonzeroMemory
    }

    private func setNodeAffinity(_ spec: Value, _ added: Value) {
        (pod.pointee.selector, pod.pointee.selector_count) = lending.lend(lending.labels(spec["nodeSelector"].strings))
        let affinity = spec["affinity"]["nodeAffinity"]
        let required = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
        pod.pointee.has_required = required.isNull ? 0 : 1
        (pod.pointee.required, pod.pointee.required_count) = lending.lend(
            required["nodeSelectorTerms"].elements.map { term($0, weight: 0) })
        (pod.pointee.preferred, pod.pointee.preferred_count) = lending.lend(
            (affinity["preferredDuringSchedulingIgnoredDuringExecution"].elements
                + added["preferredDuringSchedulingIgnoredDuringExecution"].elements).map {
                    term($0["preference"], weight: Int32($0["weight"].int ?? 0))
                })
        let enforced = added["requiredDuringSchedulingIgnoredDuringExecution"]
        pod.pointee.has_added_required = enforced.isNull ? 0 : 1
        (pod.pointee.added_required, pod.pointee.added_required_count) = lending.lend(
            enforced["nodeSelectorTerms"].elements.map { term($0, weight: 0) })
    }

    /// The images of all containers and image volumes, as Nodes list them: with a tag. With how often each is named, in their order.
    private static func images(_ spec: Value) -> [(name: String, uses: Int)] {
        let named =
            (spec["initContainers"].elements + spec["containers"].elements).map { $0["image"].string }
            + spec["volumes"].elements.map { $0["image"]["reference"].string }
        var images: [(name: String, uses: Int)] = []
        for case var image? in named where !image.isEmpty {
            let last = image.lastIndex(of: "/").map { image[$0...] } ?? image[...]
            if !last.contains(":") { image += ":latest" }
            if let index = images.firstIndex(where: { $0.name == image }) { images[index].uses += 1 } else { images.append((image, 1)) }
        }
        return images
    }

}

// From the spec's words to numbers.
extension PodArguments {
    /// What a Node must declare, upstream's NodeDeclaredFeatures: of what it knows, these two matter where a Pod runs.
    private static func features(_ spec: Value) -> [String] {
        let containers = spec["containers"].elements + spec["initContainers"].elements
        let restartsAll = containers.contains {
            $0["restartPolicyRules"].elements.contains { $0["action"].string == "RestartAllContainers" }
        }
        let sharesNetworkAlone = spec["hostNetwork"].bool == true && spec["hostUsers"].bool == false
        return (restartsAll ? ["RestartAllContainersOnContainerExits"] : [])
            + (sharesNetworkAlone ? ["UserNamespacesHostNetworkSupport"] : [])
    }

    private static let effects: [String: Int32] = [
        "NoSchedule": APUS_EFFECT_NO_SCHEDULE, "PreferNoSchedule": APUS_EFFECT_PREFER_NO_SCHEDULE, "NoExecute": APUS_EFFECT_NO_EXECUTE,
    ]

    static func effect(_ name: String?) -> Int32 { effects[name ?? ""] ?? 0 }

    private func toleration(_ value: Value) -> apus_toleration {
        apus_toleration(
            key: lending.number(value["key"].string ?? ""), value: lending.number(value["value"].string ?? ""),
            op: value["operator"].string == "Exists" ? APUS_OPERATOR_EXISTS : APUS_OPERATOR_EQUAL,
            effect: Self.effect(value["effect"].string))
    }

    private func rule(_ rule: PodVolumes.Rule) -> apus_volume_rule {
        let (terms, count) = lending.lend(rule.terms.map { term($0, weight: 0) })
        return apus_volume_rule(
            claim: lending.number(rule.claim.name), kind: rule.kind, term_count: count, reserved: 0, terms: terms)
    }

    private func term(_ value: Value, weight: Int32) -> apus_term {
        let requirements =
            value["matchExpressions"].elements.map { lending.requirement($0, onName: false) }
            + value["matchFields"].elements.map { lending.requirement($0, onName: true) }
        let (pointer, count) = lending.lend(requirements)
        return apus_term(requirement_count: count, weight: weight, requirements: pointer)
    }
}
