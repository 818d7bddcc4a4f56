import PluginAPI

@testable import PluginHost

extension apus_object_sink {
    init(context: UnsafeMutableRawPointer?, next: @escaping @convention(c) (UnsafeMutableRawPointer?, apus_borrowed) -> Int32) {
        self.init(size: UInt32(MemoryLayout<Self>.size), context: context, next: next)
    }
}

/// Memory for arguments that holds until the test ends.
final class Samples {
    private var memory: [UnsafeMutableRawPointer] = []
    deinit { for pointer in memory { pointer.deallocate() } }

    func array<T>(_ elements: [T]) -> UnsafeMutablePointer<T> {
        let start = UnsafeMutablePointer<T>.allocate(capacity: max(1, elements.count))
        start.initialize(from: elements, count: elements.count)
        memory.append(UnsafeMutableRawPointer(start))
        return start
    }

    func bytes(_ text: String) -> apus_borrowed {
        let utf8 = Array(text.utf8)
        return apus_borrowed(bytes: UnsafePointer(array(utf8)), count: UInt64(utf8.count))
    }

    /// A structure whose pointers are null although the header says otherwise, to be filled.
    private func zeroed<T>(_ type: T.Type) -> UnsafeMutablePointer<T> {
        let start = UnsafeMutableRawPointer.allocate(byteCount: MemoryLayout<T>.size, alignment: 8)
        start.initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<T>.size)
        memory.append(start)
        return start.assumingMemoryBound(to: type)
    }

    func nodes(_ count: Int) -> UnsafePointer<apus_nodes> {
        let nodes = zeroed(apus_nodes.self)
        nodes.pointee.size = UInt32(MemoryLayout<apus_nodes>.size)
        nodes.pointee.count = UInt32(count)
        nodes.pointee.generation = 42
        return UnsafePointer(nodes)
    }

    func pod(priority: Int32 = 7) -> UnsafeMutablePointer<apus_pod> {
        let pod = zeroed(apus_pod.self)
        pod.pointee.size = UInt32(MemoryLayout<apus_pod>.size)
        pod.pointee.priority = priority
        (pod.pointee.namespace_, pod.pointee.name, pod.pointee.uid) = (bytes("shop"), bytes("cart-1"), bytes("4be0"))
        pod.pointee.json = bytes(#"{"kind":"Pod","metadata":{"name":"cart-1"}}"#)
        (pod.pointee.requests, pod.pointee.request_count) = (UnsafePointer(array([100, 1 << 30, 0, 1, 2] as [Int64])), 5)
        (pod.pointee.nonzero_cpu, pod.pointee.nonzero_memory, pod.pointee.node_name, pod.pointee.has_required) = (100, 1 << 30, 3, 1)
        (pod.pointee.selector, pod.pointee.selector_count) = (
            UnsafePointer(array([apus_label(key: 1, value: 2), apus_label(key: 3, value: 4)])), 2
        )
        func requirement(_ key: UInt32, _ values: [UInt32], _ number: Int64 = 0) -> apus_requirement {
            apus_requirement(
                key: key, op: APUS_OPERATOR_IN, on_name: 0, value_count: UInt32(values.count),
                values: values.isEmpty ? nil : UnsafePointer(array(values)), number: number)
        }
        func term(_ weight: Int32, _ requirements: [apus_requirement]) -> apus_term {
            apus_term(
                requirement_count: UInt32(requirements.count), weight: weight,
                requirements: requirements.isEmpty ? nil : UnsafePointer(array(requirements)))
        }
        (pod.pointee.required, pod.pointee.required_count) = (
            UnsafePointer(
                array([term(0, [requirement(1, [2, 3, 4]), requirement(5, [])]), term(0, []), term(0, [requirement(9, [8], -3)])])), 3
        )
        (pod.pointee.preferred, pod.pointee.preferred_count) = (UnsafePointer(array([term(80, [requirement(6, [7])])])), 1)
        (pod.pointee.tolerations, pod.pointee.toleration_count) = (
            UnsafePointer(array([apus_toleration(key: 1, value: 2, op: APUS_OPERATOR_EQUAL, effect: 0)])), 1
        )
        (pod.pointee.ports, pod.pointee.port_count) = (UnsafePointer(array([apus_host_port(protocol: 1, port: 8080, ip: 0)])), 1)
        func selector(_ requirements: [apus_requirement]) -> apus_selector {
            apus_selector(
                is_present: 1, requirement_count: UInt32(requirements.count),
                requirements: requirements.isEmpty ? nil : UnsafePointer(array(requirements)))
        }
        let nobody = apus_selector(is_present: 0, requirement_count: 0, requirements: nil)
        let terms = array([
            apus_pod_term(
                topology_key: 4, weight: 9, namespace_count: 2, reserved: 0, namespaces: UnsafePointer(array([1, 2] as [apus_string])),
                namespace_selector: nobody, selector: selector([requirement(1, [2]), requirement(3, [])])),
            apus_pod_term(
                topology_key: 5, weight: 0, namespace_count: 0, reserved: 0, namespaces: nil, namespace_selector: selector([]),
                selector: nobody),
        ])
        (pod.pointee.affinity, pod.pointee.affinity_count) = (UnsafePointer(terms), 2)
        (pod.pointee.preferred_anti_affinity, pod.pointee.preferred_anti_affinity_count) = (UnsafePointer(terms), 1)
        (pod.pointee.spread, pod.pointee.spread_count) = (
            UnsafePointer(
                array([
                    apus_spread(
                        topology_key: 4, max_skew: 2, min_domains: 3, is_required: 1, honors_affinity: 1, honors_taints: 0, is_default: 1,
                        reserved: 0,
                        selector: selector([requirement(1, [2])]))
                ])), 1
        )
        (pod.pointee.labels, pod.pointee.label_count) = (UnsafePointer(array([apus_label(key: 1, value: 2)])), 1)
        (pod.pointee.images, pod.pointee.image_count) = (
            UnsafePointer(
                array([
                    apus_image(
                        name: 8, uses: 2, size: 1 << 20, node_count: 3, version: 4, nodes: UnsafePointer(array([1, 5, 9] as [UInt32]))),
                    apus_image(name: 9, uses: 1, size: 0, node_count: 0, version: 0, nodes: nil),
                ])), 2
        )
        (pod.pointee.claims, pod.pointee.claim_count) = (UnsafePointer(array([7] as [apus_string])), 1)
        func rule(_ kind: Int32, _ terms: [apus_term]) -> apus_volume_rule {
            apus_volume_rule(
                claim: 7, kind: kind, term_count: UInt32(terms.count), reserved: 0, terms: terms.isEmpty ? nil : UnsafePointer(array(terms))
            )
        }
        (pod.pointee.volume_rules, pod.pointee.volume_rule_count) = (
            UnsafePointer(
                array([
                    rule(APUS_VOLUME_BOUND, [term(0, [requirement(1, [2])]), term(0, [])]), rule(APUS_VOLUME_IN_USE, []),
                ])), 2
        )
        (pod.pointee.attachments, pod.pointee.attachment_count) = (
            UnsafePointer(
                array([
                    apus_attachment(driver: 11, node_count: 2, nodes: UnsafePointer(array([3, 4] as [UInt32]))),
                    apus_attachment(driver: 12, node_count: 0, nodes: nil),
                ])), 2
        )
        (pod.pointee.added_required, pod.pointee.added_required_count, pod.pointee.has_added_required) = (
            UnsafePointer(array([term(0, [requirement(2, [3])])])), 1, 1
        )
        (pod.pointee.scheduler_name, pod.pointee.profile, pod.pointee.profile_serial) = (13, bytes(#"{"filter":[]}"#), 2)
        (pod.pointee.group, pod.pointee.needs_serial) = (14, 15)
        (pod.pointee.features, pod.pointee.feature_count) = (UnsafePointer(array([16, 17] as [apus_string])), 2)
        return pod
    }

    func queuedPod(priority: Int32) -> UnsafeMutablePointer<apus_queued_pod> {
        array([
            apus_queued_pod(
                size: UInt32(MemoryLayout<apus_queued_pod>.size), priority: priority, namespace_: bytes("shop"), name: bytes("cart-1"),
                uid: bytes("4be0"), group: bytes("carts"), json: bytes(#"{"kind":"Pod"}"#), order: 1 << 40, attempts: 3, reserved: 0)
        ])
    }

    func key(_ name: String) -> UnsafeMutablePointer<apus_key> {
        array([apus_key(resource: bytes("v1/pods"), namespace_: bytes("shop"), name: bytes(name), uid: bytes("4be0"))])
    }

    func admissionRequest(_ object: String) -> UnsafeMutablePointer<apus_admission_request> {
        array([
            apus_admission_request(
                size: UInt32(MemoryLayout<apus_admission_request>.size), operation: APUS_OPERATION_UPDATE, flags: APUS_REQUEST_DRY_RUN,
                reserved: 0, resource: bytes("v1/pods"), kind: bytes("v1/Pod"), subresource: bytes("status"), namespace_: bytes("shop"),
                name: bytes("cart"), user: bytes("jane"), request: bytes("{\"dryRun\":true}"), object: bytes(object),
                old_object: bytes("{}"), namespace_object: bytes(""))
        ])
    }

    func reference() -> UnsafeMutablePointer<apus_object_ref> {
        array([
            apus_object_ref(
                size: UInt32(MemoryLayout<apus_object_ref>.size), resource: bytes("v1/pods"), namespace_: bytes("shop"),
                name: bytes("cart-1"), subresource: bytes(""))
        ])
    }

    func services() -> UnsafeMutablePointer<apus_services> {
        func address(_ last: UInt8) -> apus_address {
            var address = apus_address()
            (address.bytes.0, address.bytes.3, address.family) = (10, last, 4)
            return address
        }
        func service(_ id: UInt64) -> apus_service_port {
            apus_service_port(
                id: id, namespace_: bytes("shop"), name: bytes("cart-\(id)"), port_name: bytes(id == 1 ? "" : "http"), protocol: 6,
                port: 80, node_port: 30080,
                affinity_seconds: 10, flags: APUS_SERVICE_CHANGED, health_check_node_port: 0, cluster_ip: address(9), external_first: 1,
                external_count: 1, endpoint_first: 0,
                endpoint_count: 3, balancer_count: 1, source_first: 0, source_count: 1)
        }
        let services = zeroed(apus_services.self)
        services.pointee.size = UInt32(MemoryLayout<apus_services>.size)
        (services.pointee.services, services.pointee.service_count) = (UnsafePointer(array([service(1), service(2), service(3)])), 3)
        (services.pointee.generation, services.pointee.previous, services.pointee.node_address_count) = (5, 4, 1)
        let endpoints = (1...3).map { apus_endpoint(address: address($0), port: 8080, flags: APUS_ENDPOINT_READY) }
        (services.pointee.endpoints, services.pointee.endpoint_count) = (UnsafePointer(array(endpoints)), 3)
        (services.pointee.addresses, services.pointee.address_count) = (UnsafePointer(array([address(7), address(8), address(9)])), 3)
        (services.pointee.removed, services.pointee.removed_count) = (nil, 0)
        services.pointee.pod_cidr = bytes("10.244.0.0/16")
        return services
    }
}
