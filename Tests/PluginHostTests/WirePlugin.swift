import PluginAPI
import Synchronization

@testable import PluginHost

/// What the functions below get as `self`: they note what they see there.
final class Witness: Sendable {
    private let notes = Mutex<[String]>([])
    /// Events that were lent, by address.
    let events = Mutex<[UInt]>([])
    /// For a plugin that calls the host: its context and table, by address.
    let objects = Mutex<(context: UInt, table: UInt)>((0, 0))
    /// A callback that a plugin should not have kept.
    let kept = Mutex<(context: UInt, function: UInt)>((0, 0))
    private let action = Mutex<(@Sendable () -> Void)?>(nil)

    /// What `whenCalled` does.
    func onCall(_ body: @escaping @Sendable () -> Void) { action.withLock { $0 = body } }
    func whenCalled() { action.withLock { $0 }?() }

    func note(_ text: String) { notes.withLock { $0.append(text) } }
    func take() -> [String] {
        notes.withLock { notes in
            defer { notes = [] }
            return notes
        }
    }
    var me: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
    static func of(_ me: UnsafeMutableRawPointer?) -> Witness { Unmanaged<Witness>.fromOpaque(me!).takeUnretainedValue() }
}

extension UnsafePointer<apus_sink> {
    func say(_ text: String) { text.withBorrowed { pointee.write(pointee.context, $0) } }
}

extension String {
    /// The text of a structure, whatever it points to included: the same on both sides of a wire, although the addresses differ.
    init(key: apus_key) { self = "\(key.resource.string) \(key.namespace_.string) \(key.name.string) \(key.uid.string)" }
    init(reference: apus_object_ref) {
        self = "\(reference.resource.string) \(reference.namespace_.string) \(reference.name.string) \(reference.subresource.string)"
    }

    init(options: UnsafePointer<apus_write_options>?) {
        self =
            options.map {
                "flags \($0.pointee.flags) \($0.pointee.field_manager.string) \($0.pointee.uid.string) \($0.pointee.resource_version.string)"
            } ?? "no options"
    }

    init(kind: apus_kind) {
        self =
            "\(kind.flags) \(kind.verbs) \(kind.resource.string) \(kind.group.string) \(kind.version.string) \(kind.kind.string)"
    }

    init(selector: apus_selector) {
        let requirements = UnsafeBufferPointer(start: selector.requirements, count: Int(selector.requirement_count)).map {
            "\($0.key) \($0.op) \(Array(UnsafeBufferPointer(start: $0.values, count: Int($0.value_count))))"
        }
        self = "\(selector.is_present) \(requirements)"
    }

    /// What the Pod asks of the Pods around it, and of where its volumes are.
    init(around pod: apus_pod) {
        let images = UnsafeBufferPointer(start: pod.images, count: Int(pod.image_count)).map {
            "\($0.name) \($0.uses) \($0.size) \($0.version) \(Array(UnsafeBufferPointer(start: $0.nodes, count: Int($0.node_count))))"
        }
        let rules = UnsafeBufferPointer(start: pod.volume_rules, count: Int(pod.volume_rule_count)).map { rule in
            "\(rule.claim) \(rule.kind) \(UnsafeBufferPointer(start: rule.terms, count: Int(rule.term_count)).map { $0.requirement_count })"
        }
        let attachments = UnsafeBufferPointer(start: pod.attachments, count: Int(pod.attachment_count)).map {
            "\($0.driver) \(Array(UnsafeBufferPointer(start: $0.nodes, count: Int($0.node_count))))"
        }
        func terms(_ start: UnsafePointer<apus_pod_term>?, _ count: UInt32) -> String {
            UnsafeBufferPointer(start: start, count: Int(count)).map {
                let namespaces = Array(UnsafeBufferPointer(start: $0.namespaces, count: Int($0.namespace_count)))
                return
                    "\($0.topology_key) \($0.weight) \(namespaces) \(String(selector: $0.namespace_selector)) \(String(selector: $0.selector))"
            }.description
        }
        let spread = UnsafeBufferPointer(start: pod.spread, count: Int(pod.spread_count)).map {
            "\($0.topology_key) \($0.max_skew) \($0.min_domains) \($0.is_required) \($0.is_default) \(String(selector: $0.selector))"
        }
        self = """
            \(pod.namespace_string) \(pod.may_preempt) \(UnsafeBufferPointer(start: pod.labels, count: Int(pod.label_count)).map { [$0.key, $0.value] }) \
            \(terms(pod.affinity, pod.affinity_count)) \(terms(pod.anti_affinity, pod.anti_affinity_count)) \
            \(terms(pod.preferred_affinity, pod.preferred_affinity_count)) \
            \(terms(pod.preferred_anti_affinity, pod.preferred_anti_affinity_count)) \(spread) \
            \(images) \
            \(Array(UnsafeBufferPointer(start: pod.claims, count: Int(pod.claim_count)))) \(rules) \(attachments) \
            \(pod.scheduler_name) \(pod.profile.string) \(pod.profile_serial) \(pod.needs_serial) \
            \(Array(UnsafeBufferPointer(start: pod.features, count: Int(pod.feature_count))))
            """
    }

    init(queued pod: apus_queued_pod) {
        let texts = [pod.namespace_, pod.name, pod.uid, pod.group, pod.json].map(\.string)
        self = "\(texts.joined(separator: " ")) \(pod.priority) \(pod.order) \(pod.attempts)"
    }

    init(pod: apus_pod) {
        func terms(_ start: UnsafePointer<apus_term>?, _ count: UInt32) -> String {
            UnsafeBufferPointer(start: start, count: Int(count)).map { term in
                let requirements = UnsafeBufferPointer(start: term.requirements, count: Int(term.requirement_count)).map {
                    "\($0.key) \($0.op) \($0.on_name) \(Array(UnsafeBufferPointer(start: $0.values, count: Int($0.value_count)))) \($0.number)"
                }
                return "\(term.weight): \(requirements)"
            }.description
        }
        self = """
            \(pod.size) \(pod.priority) \(pod.namespace_.string) \(pod.name.string) \(pod.uid.string) \(pod.json.string) \
            \(Array(UnsafeBufferPointer(start: pod.requests, count: Int(pod.request_count)))) \(pod.nonzero_cpu) \(pod.nonzero_memory) \(pod.node_name) \(pod.has_required) \
            \(UnsafeBufferPointer(start: pod.selector, count: Int(pod.selector_count)).map { [$0.key, $0.value] }) \
            \(terms(pod.required, pod.required_count)) \(terms(pod.preferred, pod.preferred_count)) \(pod.has_added_required) \(terms(pod.added_required, pod.added_required_count)) \
            \(UnsafeBufferPointer(start: pod.tolerations, count: Int(pod.toleration_count)).map { "\($0.key) \($0.value) \($0.op) \($0.effect)" }) \
            \(UnsafeBufferPointer(start: pod.ports, count: Int(pod.port_count)).map { "\($0.protocol) \($0.port) \($0.ip)" }) \
            \(String(around: pod))
            """
    }

    init(services: apus_services) {
        func text(_ address: apus_address) -> String { withUnsafeBytes(of: address) { "\(Array($0))" } }
        let ports = UnsafeBufferPointer(start: services.services, count: Int(services.service_count)).map {
            """
            \($0.id) \($0.namespace_.string) \($0.name.string) \($0.port_name.string) \($0.protocol) \($0.port) \($0.node_port) \($0.affinity_seconds) \($0.flags) \
            \($0.health_check_node_port) \(text($0.cluster_ip)) \($0.external_first) \($0.external_count) \($0.endpoint_first) \($0.endpoint_count) \
            \($0.balancer_count) \($0.source_first) \($0.source_count)
            """
        }
        self = """
            \(services.size) \(services.generation) \(services.previous) \(services.node_address_count) \(services.pod_cidr.string) \(ports) \
            \(UnsafeBufferPointer(start: services.endpoints, count: Int(services.endpoint_count)).map { "\(text($0.address)) \($0.port) \($0.flags)" }) \
            \(UnsafeBufferPointer(start: services.addresses, count: Int(services.address_count)).map(text)) \
            \(Array(UnsafeBufferPointer(start: services.removed, count: Int(services.removed_count))))
            """
    }
}

/// A plugin of every kind, in C functions that answer with what they saw.
enum WirePlugin {
    static func policy() -> apus_scheduler_policy {
        apus_scheduler_policy(
            size: UInt32(MemoryLayout<apus_scheduler_policy>.size), most_points: 0,
            prefilter: { me, pod, reason in
                Witness.of(me).note("prefilter")
                reason.say(String(pod: pod.pointee))
                return APUS_UNSCHEDULABLE
            },
            filter: { me, pod, nodes, feasible, reasons, error in
                Witness.of(me).note("filter")
                let words = (Int(nodes.pointee.count) + 63) / 64
                var odd = [UInt64](repeating: 0, count: words)
                for word in 0..<words {
                    odd[word] = feasible[word] & 0xaaaa_aaaa_aaaa_aaaa
                    feasible[word] &= 0x5555_5555_5555_5555
                }
                if let reasons {
                    "an odd node".withBorrowed {
                        reasons.pointee.add(reasons.pointee.context, odd, APUS_UNSCHEDULABLE, $0, APUS_EVENT_POD_REMOVED)
                    }
                    "another reason".withBorrowed { reasons.pointee.add(reasons.pointee.context, odd, APUS_UNRESOLVABLE, $0, -1) }
                }
                error.say("\(nodes.pointee.generation) of \(pod.pointee.name.string)")
                return pod.pointee.priority < 0 ? APUS_FAULT : APUS_OK
            },
            score: { me, pod, nodes, feasible, points, error in
                Witness.of(me).note("score")
                guard pod.pointee.priority >= 0 else {
                    error.say("no points")
                    return APUS_FAULT
                }
                for index in 0..<Int(nodes.pointee.count) {
                    points[index] = feasible[index / 64] >> UInt64(index % 64) & 1 == 1 ? Int32(index % 101) : -1
                }
                return APUS_OK
            },
            explain: { me, pod, nodes, feasible, parts, error in
                Witness.of(me).note("explain")
                let points = (0..<nodes.pointee.count).map { Int32($0) - Int32(feasible[Int($0) / 64] & 1) }
                "a part".withBorrowed { parts.pointee.add(parts.pointee.context, $0, 3, points) }
                error.say(pod.pointee.name.string)
                return APUS_OK
            },
            permit: { me, pod, nodes, node, timeout, others, reason in
                Witness.of(me).note("permit")
                timeout.pointee += Int64(node)
                "4be1".withBorrowed { others.pointee.allow(others.pointee.context, $0) }
                reason.say("\(pod.pointee.name.string) of group \(pod.pointee.group) on \(node) of \(nodes.pointee.count)")
                return pod.pointee.priority < 0 ? APUS_UNSCHEDULABLE : APUS_WAIT
            },
            unreserve: { me, uid, others in
                Witness.of(me).note("unreserve \(uid.string)")
                "too late".withBorrowed { others.pointee.reject(others.pointee.context, uid, $0) }
            },
            observe: { me, resource, before, after, waiting in
                Witness.of(me).note("observe \(resource.string) \(before.string) \(after.string)")
                after.string.withBorrowed { waiting.pointee.allow(waiting.pointee.context, $0) }
            },
            affected: { me, pod, nodes, answers, changed, error in
                Witness.of(me).note("affected")
                changed[Int(nodes.pointee.count) / 64] |= 2
                error.say("\(answers) of \(pod.pointee.needs_serial) of \(nodes.pointee.generation)")
                return APUS_OK
            },
            less: { me, left, right, isLess, error in
                Witness.of(me).note("less")
                isLess.pointee += left.pointee.priority
                error.say("\(String(queued: left.pointee)) before \(String(queued: right.pointee))")
                return left.pointee.priority < 0 ? APUS_FAULT : APUS_OK
            },
            prebind: { me, pod, node, reason in
                Witness.of(me).note("prebind")
                reason.say("\(String(queued: pod.pointee)) on \(node.string)")
                return pod.pointee.priority < 0 ? APUS_UNSCHEDULABLE : APUS_OK
            })
    }

    static func controller() -> apus_controller {
        apus_controller(
            size: UInt32(MemoryLayout<apus_controller>.size),
            reconcile: { me, key, again, error in
                Witness.of(me).note("reconcile")
                again.pointee += 1500
                error.say(String(key: key.pointee))
                let name = key.pointee.name.string
                return name == "retry" ? APUS_RETRY : Int32(name.utf8.count) == 0 ? 77 : APUS_OK
            },
            map: { me, resource, before, after, keys in
                Witness.of(me).note("map \(resource.string) \(before.string) \(after.string)")
                for piece in after.string.split(separator: " ") {
                    String(piece).withBorrowed { name in
                        var key = apus_key(resource: resource, namespace_: before, name: name, uid: apus_borrowed())
                        keys.pointee.add(keys.pointee.context, &key)
                    }
                }
            },
            map_kinds: { me, generation, keys in
                Witness.of(me).note("map_kinds \(generation)")
                "later".withBorrowed { name in
                    var key = apus_key(resource: name, namespace_: apus_borrowed(), name: name, uid: apus_borrowed())
                    keys.pointee.add(keys.pointee.context, &key)
                }
            },
            cleanup: { me, _ in
                Witness.of(me).note("cleanup")
                return APUS_OK
            })
    }

    static func admission() -> apus_admission {
        apus_admission(
            size: UInt32(MemoryLayout<apus_admission>.size),
            admit: { me, request, code, notes, answer in
                Witness.of(me).note("admit \(request.pointee.texts)")
                "mind".withBorrowed { notes.pointee.warn(notes.pointee.context, $0) }
                "key".withBorrowed { key in "value".withBorrowed { notes.pointee.annotate(notes.pointee.context, key, $0) } }
                answer.say(request.pointee.object.string)
                return APUS_OK
            },
            validate: { me, request, code, notes, reason in
                Witness.of(me).note("validate \(request.pointee.texts)")
                code.pointee += 422
                reason.say("not so")
                return APUS_DENIED
            })
    }

    static func runtime() -> apus_runtime {
        apus_runtime(
            size: UInt32(MemoryLayout<apus_runtime>.size),
            call: { me, method, request, timeout, code, answer in
                Witness.of(me).note("call")
                answer.say("\(method.string) \(timeout) ")
                answer.say(request.string)
                if method.string.isEmpty { code.pointee = APUS_CODE_UNIMPLEMENTED }
                return method.string.isEmpty ? APUS_UNSUPPORTED : APUS_OK
            },
            subscribe: { me, events, reliable in
                let witness = Witness.of(me)
                witness.note("subscribe \(reliable.pointee)")
                witness.events.withLock { $0.append(UInt(bitPattern: events)) }
                reliable.pointee = 1
                return APUS_OK
            },
            open: { me, kind, request, events, stream, code, error in
                let witness = Witness.of(me)
                witness.note("open \(kind) \(request.string)")
                guard kind != APUS_STREAM_PORT_FORWARD else {
                    error.say("no ports")
                    code.pointee = APUS_CODE_FAILED_PRECONDITION
                    return APUS_UNSUPPORTED
                }
                witness.events.withLock { $0.append(UInt(bitPattern: events)) }
                "welcome".withBorrowed { events.pointee.data(events.pointee.context, APUS_STREAM_STDOUT, $0) }
                if request.string == "short" { events.pointee.ended(events.pointee.context) }
                stream.pointee = UnsafeMutableRawPointer(bitPattern: 4711)
                return APUS_OK
            },
            send: { me, stream, channel, bytes in
                Witness.of(me).note("send \(UInt(bitPattern: stream)) \(channel) \(bytes.string)")
                return bytes.count == 0 ? APUS_INVALID : APUS_OK
            },
            close: { me, stream in Witness.of(me).note("close \(UInt(bitPattern: stream))") })
    }

    static func proxy() -> apus_proxy {
        apus_proxy(
            size: UInt32(MemoryLayout<apus_proxy>.size),
            sync: { me, wanted, error in
                Witness.of(me).note("sync")
                error.say(String(services: wanted.pointee))
                return APUS_FAULT
            },
            cleanup: { me, _ in
                Witness.of(me).note("cleanup")
                return APUS_OK
            })
    }

    static func log() -> apus_host_log {
        apus_host_log(
            size: UInt32(MemoryLayout<apus_host_log>.size),
            write: { me, level, message in Witness.of(me).note("write \(level) \(message.string)") })
    }

    static func objects() -> apus_host_objects {
        apus_host_objects(
            size: UInt32(MemoryLayout<apus_host_objects>.size),
            get: { me, reference, object in
                Witness.of(me).note("get \(String(reference: reference.pointee))")
                object.say("the object")
                return APUS_OK
            },
            list: { me, reference, labels, fields, objects in
                Witness.of(me).note("list \(String(reference: reference.pointee)) \(labels.string) \(fields.string)")
                for number in 0..<10 {
                    let answer = "object \(number)".withBorrowed { objects.pointee.next(objects.pointee.context, $0) }
                    if answer != 0 {
                        Witness.of(me).note("ended by \(answer)")
                        break
                    }
                }
                return APUS_OK
            },
            dependents: { me, reference, uid, orphans, objects in
                Witness.of(me).note("dependents \(String(reference: reference.pointee)) \(uid.string) \(orphans.string)")
                _ = "a dependent".withBorrowed { objects.pointee.next(objects.pointee.context, $0) }
                return APUS_FORBIDDEN
            },
            create: { me, reference, object, options, answer in
                Witness.of(me).note("create \(String(reference: reference.pointee)) \(object.string) \(String(options: options))")
                answer.say("created")
                return APUS_ALREADY_EXISTS
            },
            update: { me, reference, object, options, answer in
                Witness.of(me).note("update \(String(reference: reference.pointee)) \(object.string) \(String(options: options))")
                answer.say("updated")
                return APUS_CONFLICT
            },
            patch: { me, reference, kind, patch, options, answer in
                Witness.of(me).note("patch \(String(reference: reference.pointee)) \(kind) \(patch.string) \(String(options: options))")
                answer.say("patched")
                return APUS_OK
            },
            apply: { me, reference, object, options, answer in
                Witness.of(me).note("apply \(String(reference: reference.pointee)) \(object.string) \(String(options: options))")
                return APUS_UNSUPPORTED
            },
            remove: { me, reference, deletion, options, answer in
                Witness.of(me).note("remove \(String(reference: reference.pointee)) \(deletion.string) \(String(options: options))")
                return APUS_NOT_FOUND
            },
            event: { me, object, type, reason, message in
                Witness.of(me).note("event \(object.string) \(type.string) \(reason.string) \(message.string)")
            },
            fetch: { me, reference, object in
                Witness.of(me).note("fetch \(String(reference: reference.pointee))")
                return APUS_UNAVAILABLE
            },
            remove_collection: { me, reference, labels, fields, deletion, options, answer in
                let selectors = "\(labels.string) \(fields.string)"
                Witness.of(me).note(
                    "remove_collection \(String(reference: reference.pointee)) \(selectors) \(deletion.string) \(String(options: options))")
                answer.say("not these")
                return APUS_FORBIDDEN
            },
            fetch_list: { me, reference, labels, fields, objects in
                Witness.of(me).note("fetch_list \(String(reference: reference.pointee)) \(labels.string) \(fields.string)")
                _ = "a fresh one".withBorrowed { objects.pointee.next(objects.pointee.context, $0) }
                return APUS_OK
            })
    }

    static func kinds() -> apus_host_kinds {
        apus_host_kinds(
            size: UInt32(MemoryLayout<apus_host_kinds>.size),
            list: { me, generation, kinds in
                Witness.of(me).note("list \(generation.pointee)")
                guard generation.pointee != 5 else { return APUS_OK }
                generation.pointee = 5
                "apps/v1/deployments".withBorrowed { resource in
                    "apps".withBorrowed { group in
                        "v1".withBorrowed { version in
                            "Deployment".withBorrowed { kind in
                                var kind = apus_kind(
                                    size: UInt32(MemoryLayout<apus_kind>.size), flags: APUS_KIND_NAMESPACED | APUS_KIND_STORED, verbs: 95,
                                    reserved: 0, resource: resource, group: group, version: version, kind: kind)
                                kinds.pointee.next(kinds.pointee.context, &kind)
                            }
                        }
                    }
                }
                return APUS_OK
            })
    }

    /// A component whose instance is the witness that the host structure's context leads to.
    static func component() -> apus_component {
        apus_component(
            size: UInt32(MemoryLayout<apus_component>.size), name: wireName, extension: wireName, table: UnsafeRawPointer(wireName),
            create: { component, host, config, me, error in
                let witness = Witness.of(host.pointee.context)
                witness.note("create \(String(cString: component.pointee.name)) \(config.string)")
                guard config.string != "{}" else {
                    error.say("no configuration")
                    return APUS_INVALID
                }
                me.pointee = host.pointee.context
                return APUS_OK
            },
            start: { me, error in
                Witness.of(me).note("start")
                error.say("not today")
                return APUS_UNAVAILABLE
            },
            stop: { me in Witness.of(me).note("stop") },
            destroy: { me in Witness.of(me).note("destroy") })
    }
}

// A C string for the life of the process.
nonisolated(unsafe) private let wireName: UnsafePointer<CChar> = {
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: 5)
    copy.update(from: "wire", count: 5)
    return UnsafePointer(copy)
}()

extension apus_admission_request {
    /// Everything that it says.
    fileprivate var texts: String {
        let texts = [resource, kind, subresource, namespace_, name, user, request, object, old_object, namespace_object].map(\.string)
        return "\(operation) \(flags) \(texts.joined(separator: " "))"
    }
}
