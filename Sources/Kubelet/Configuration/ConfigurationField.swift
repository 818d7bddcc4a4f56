import APIModel
import OrderedCollections

/// One setting of the file: how it is read and how it is written.
struct ConfigurationField: Sendable {
    typealias Draft = ConfigurationFile.Draft
    typealias Problem = ConfigurationFile.Problem

    let name: String
    let read: @Sendable (Value, inout Draft) throws(Problem) -> Void
    let write: @Sendable (Draft) -> Value

    /// Every setting there is.
    static let all: [ConfigurationField] =
        [
            text("address", \.configuration.serverAddress), number("port", \.configuration.serverPort, 1...65_535),
            toggle("rotateCertificates", \.configuration.rotatesCertificates),
            toggle("serverTLSBootstrap", \.configuration.bootstrapsServerTLS),
            text("staticPodPath", \.configuration.staticPodPath),
            text("clusterDomain", \.configuration.clusterDomain), list("clusterDNS", \.configuration.clusterDNS),
            text("resolvConf", \.configuration.resolvConf),
            number("maxPods", \.configuration.maxPods, 1...Int(Int32.max)),
            size("containerLogMaxSize", \.configuration.containerLogMaxSize),
            number("containerLogMaxFiles", \.configuration.containerLogMaxFiles, 2...Int(Int32.max)),
            duration("imageMinimumGCAge", \.configuration.imageCollection.minimumAge, zero: .isDefault),
            duration("imageMaximumGCAge", \.configuration.imageCollection.maximumAge),
            whole("imageGCHighThresholdPercent", \.configuration.imageCollection.highThreshold, 0...100),
            whole("imageGCLowThresholdPercent", \.configuration.imageCollection.lowThreshold, 0...100),
            choice("imagePullCredentialsVerificationPolicy", \.configuration.pullVerification.policy),
            list("preloadedImagesVerificationAllowlist", \.configuration.pullVerification.allowed),
            map("evictionHard", \.eviction.hard), map("evictionSoft", \.eviction.soft),
            durations("evictionSoftGracePeriod", \.eviction.softGrace),
            map("evictionMinimumReclaim", \.eviction.minimumReclaim),
            duration("evictionPressureTransitionPeriod", \.eviction.transitionPeriod, zero: .isDefault),
            whole("evictionMaxPodGracePeriod", \.eviction.maxPodGracePeriod, 0...Whole(Int32.max)),
            ConfigurationField(
                name: "mergeDefaultEvictionSettings",
                read: { value, draft throws(Problem) in draft.mergesEvictionDefaults = try bool(value) }, write: { _ in .null }),
            amounts("systemReserved", \.configuration.systemReserved), amounts("kubeReserved", \.configuration.kubeReserved),
            choice("cpuManagerPolicy", \.configuration.cpuPolicy),
            duration("cpuManagerReconcilePeriod", \.configuration.cpuReconcilePeriod, zero: .isDefault),
            reservedCPUs, choice("memoryManagerPolicy", \.configuration.memoryPolicy), reservedMemory,
            choice("topologyManagerPolicy", \.configuration.topologyPolicy),
            choice("topologyManagerScope", \.configuration.topologyScope),
            duration("shutdownGracePeriod", \.configuration.shutdownGracePeriod),
            duration("shutdownGracePeriodCriticalPods", \.configuration.shutdownGracePeriodCriticalPods), shutdownGroups,
            list("allowedUnsafeSysctls", \.configuration.allowedUnsafeSysctls), taints,
            number("nodeStatusMaxImages", \.configuration.maxReportedImages, -1...Int(Int32.max)),
            duration("nodeStatusUpdateFrequency", \.configuration.statusUpdatePeriod, zero: .isDefault),
            duration("nodeStatusReportFrequency", \.configuration.statusReportPeriod, zero: .isDefault),
            whole("nodeLeaseDurationSeconds", \.configuration.leaseSeconds, 1...Whole(Int32.max)),
            duration("containerLogMonitorInterval", \.configuration.logMonitorPeriod),
            text("podLogsDir", \.configuration.podLogsDirectory), text("providerID", \.configuration.providerID),
            toggle("seccompDefault", \.configuration.seccompDefault), pidsLimit, crashLoopBackOff,
        ] + fixed

    private typealias Path<T> = any WritableKeyPath<Draft, T> & Sendable

    private static func toggle(_ name: String, _ path: Path<Bool>) -> ConfigurationField {
        ConfigurationField(
            name: name, read: { value, draft throws(Problem) in draft[keyPath: path] = try bool(value) },
            write: { .bool($0[keyPath: path]) })
    }

    private static func wrong(_ value: Value, _ what: String) -> Problem {
        Problem(description: "\(String(decoding: JSON.encode(value), as: UTF8.self)) is not \(what)")
    }

    private static func bool(_ value: Value) throws(Problem) -> Bool {
        guard let bool = value.bool else { throw wrong(value, "true or false") }
        return bool
    }

    private static func text(_ value: Value) throws(Problem) -> String {
        guard let text = value.string else { throw wrong(value, "text") }
        return text
    }

    private static func texts(_ value: Value) throws(Problem) -> [String: String] {
        guard case .object = value else { throw wrong(value, "a map") }
        var texts: [String: String] = [:]
        for (name, value) in value.fields { texts[name] = try text(value) }
        return texts
    }

    private static func duration(_ value: Value) throws(Problem) -> Whole {
        guard let seconds = value.string.flatMap(GoDuration.seconds), seconds >= 0 else { throw wrong(value, "a duration, as in 2m30s") }
        return seconds
    }

    private static func text(_ name: String, _ path: Path<String>) -> ConfigurationField {
        ConfigurationField(
            name: name, read: { value, draft throws(Problem) in draft[keyPath: path] = try text(value) },
            write: { .string($0[keyPath: path]) })
    }

    private static func whole(_ name: String, _ path: Path<Whole>, _ range: ClosedRange<Whole>) -> ConfigurationField {
        ConfigurationField(
            name: name,
            read: { value, draft throws(Problem) in
                guard let number = value.int, range.contains(number) else {
                    throw wrong(value, "a number from \(range.lowerBound) to \(range.upperBound)")
                }
                draft[keyPath: path] = number
            }, write: { .int($0[keyPath: path]) })
    }

    private static func number(_ name: String, _ path: Path<Int>, _ range: ClosedRange<Int>) -> ConfigurationField {
        ConfigurationField(
            name: name,
            read: { value, draft throws(Problem) in
                guard let number = value.int, range.contains(Int(number)) else {
                    throw wrong(value, "a number from \(range.lowerBound) to \(range.upperBound)")
                }
                draft[keyPath: path] = Int(number)
            }, write: { .int(Whole($0[keyPath: path])) })
    }

    private static func size(_ name: String, _ path: Path<Int64>) -> ConfigurationField {
        ConfigurationField(
            name: name,
            read: { value, draft throws(Problem) in
                guard let size = value.quantity, size > .zero else { throw wrong(value, "an amount of bytes, as in 10Mi") }
                draft[keyPath: path] = size.value.int64
            }, write: { .string(Quantity(value: $0[keyPath: path], format: .binarySI).description) })
    }

    /// What nothing at all stands for, which files of other tools say of every setting.
    private enum Zero { case isZero, isDefault }

    private static func duration(_ name: String, _ path: Path<Whole>, zero: Zero = .isZero) -> ConfigurationField {
        ConfigurationField(
            name: name,
            read: { value, draft throws(Problem) in
                let seconds = try duration(value)
                if seconds > 0 || zero == .isZero { draft[keyPath: path] = seconds }
            },
            write: { .string(GoDuration.text(seconds: $0[keyPath: path])) })
    }

    private static func durations(_ name: String, _ path: Path<[String: Whole]>) -> ConfigurationField {
        ConfigurationField(
            name: name,
            read: { value, draft throws(Problem) in
                var durations: [String: Whole] = [:]
                for (name, value) in value.fields { durations[name] = try duration(value) }
                draft[keyPath: path] = durations
            }, write: { filled(Value($0[keyPath: path].mapValues { GoDuration.text(seconds: $0) })) })
    }

    private static func list(_ name: String, _ path: Path<[String]>) -> ConfigurationField {
        ConfigurationField(
            name: name,
            read: { value, draft throws(Problem) in
                guard case .array(let elements) = value else { throw wrong(value, "a list") }
                var list: [String] = []
                for element in elements { list.append(try text(element)) }
                draft[keyPath: path] = list
            }, write: { filled(Value($0[keyPath: path])) })
    }

    private static func map(_ name: String, _ path: Path<[String: String]>) -> ConfigurationField {
        ConfigurationField(
            name: name, read: { value, draft throws(Problem) in draft[keyPath: path] = try texts(value) },
            write: { filled(Value($0[keyPath: path])) })
    }

    /// Of resources that can be set aside.
    private static func amounts(_ name: String, _ path: Path<[String: String]>) -> ConfigurationField {
        ConfigurationField(
            name: name,
            read: { value, draft throws(Problem) in
                let amounts = try texts(value)
                for (resource, amount) in amounts.sorted(by: { $0.key < $1.key }) {
                    guard ["cpu", "memory", "ephemeral-storage"].contains(resource) || resource.hasPrefix("hugepages-") else {
                        throw Problem(description: "cannot reserve \(resource)")
                    }
                    guard let quantity = try? Quantity(amount), quantity >= .zero else {
                        throw wrong(.string(amount), "an amount of \(resource)")
                    }
                }
                draft[keyPath: path] = amounts
            }, write: { filled(Value($0[keyPath: path])) })
    }

    private static let taints = ConfigurationField(
        name: "registerWithTaints",
        read: { value, draft throws(Problem) in
            guard case .array(let elements) = value else { throw wrong(value, "a list") }
            var taints: [String] = []
            for taint in elements {
                guard let key = taint["key"].string, !key.isEmpty, let effect = taint["effect"].string,
                    ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(effect)
                else { throw wrong(taint, "a taint") }
                taints.append(key + (taint["value"].string.map { "=" + $0 } ?? "") + ":" + effect)
            }
            draft.configuration.taints = taints
        }, write: { filled(.array($0.configuration.taints.compactMap(NodeObject.taint))) })

    private static let reservedCPUs = ConfigurationField(
        name: "reservedSystemCPUs",
        read: { value, draft throws(Problem) in
            let text = try text(value)
            guard let cpus = CPUSet(text) else { throw wrong(value, "a list of CPUs, as in 0-1,4") }
            draft.configuration.reservedCPUs = cpus.description
        }, write: { $0.configuration.reservedCPUs.isEmpty ? .null : .string($0.configuration.reservedCPUs) })

    private static let pidsLimit = ConfigurationField(
        name: "podPidsLimit",
        read: { value, draft throws(Problem) in
            guard let limit = value.int else { throw wrong(value, "a number") }
            draft.configuration.podPidsLimit = limit < 0 ? -1 : limit
        }, write: { .int($0.configuration.podPidsLimit) })

    private static let crashLoopBackOff = ConfigurationField(
        name: "crashLoopBackOff",
        read: { value, draft throws(Problem) in
            for (name, value) in value.fields where !value.isNull {
                guard name == "maxContainerRestartPeriod" else { throw Problem(description: "unknown field \"\(name)\"") }
                let seconds = try duration(value)
                guard (1...300).contains(seconds) else {
                    throw Problem(
                        invalid: "CrashLoopBackOff.MaxContainerRestartPeriod (got: \(seconds) seconds) must be set between 1s and 300s")
                }
                draft.configuration.maxRestartPeriod = seconds
            }
        }, write: { ["maxContainerRestartPeriod": .string(GoDuration.text(seconds: $0.configuration.maxRestartPeriod))] })

    private static let reservedMemory = ConfigurationField(
        name: "reservedMemory",
        read: { value, draft throws(Problem) in
            guard case .array(let elements) = value else { throw wrong(value, "a list") }
            var reserved: [Int: [String: Whole]] = [:]
            for element in elements {
                guard let node = element["numaNode"].int, node >= 0 else { throw wrong(element, "a numaNode and its limits") }
                for (kind, amount) in element["limits"].fields.sorted(by: { $0.key < $1.key }) {
                    guard MemoryTopology.isKind(kind) else {
                        throw Problem(
                            invalid:
                                "the limit type \"\(kind)\" for NUMA node \(node) is not supported, only [memory hugepages-<HugePageSize>] is accepted"
                        )
                    }
                    guard let size = amount.quantity?.value, size > 0 else {
                        throw Problem(invalid: "reserved memory may not be zero for NUMA node \(node) and resource \"\(kind)\"")
                    }
                    guard reserved[Int(node)]?[kind] == nil else {
                        throw Problem(
                            invalid: "the reserved memory has a duplicate value for NUMA node \(node) and resource \"\(kind)\"")
                    }
                    reserved[Int(node), default: [:]][kind] = size
                }
            }
            draft.configuration.reservedMemory = reserved
        },
        write: { draft in
            filled(
                .array(
                    draft.configuration.reservedMemory.sorted { $0.key < $1.key }.map { node, amounts in
                        let limits = amounts.mapValues { Quantity(value: $0.int64, format: .binarySI).description }
                        return ["numaNode": .int(Whole(node)), "limits": Value(limits)]
                    }))
        })

    private static let shutdownGroups = ConfigurationField(
        name: "shutdownGracePeriodByPodPriority",
        read: { value, draft throws(Problem) in
            guard case .array(let elements) = value else { throw wrong(value, "a list") }
            var groups: [ShutdownPlan.Group] = []
            for element in elements {
                guard let priority = element["priority"].int, let seconds = element["shutdownGracePeriodSeconds"].int, seconds >= 0 else {
                    throw wrong(element, "a priority and its shutdownGracePeriodSeconds")
                }
                groups.append(ShutdownPlan.Group(priority: priority, seconds: seconds))
            }
            draft.configuration.shutdownGroups = groups
        },
        write: {
            filled(
                .array(
                    $0.configuration.shutdownGroups.map { ["priority": .int($0.priority), "shutdownGracePeriodSeconds": .int($0.seconds)] })
            )
        })

    /// One of a few words.
    private static func choice<T: RawRepresentable<String> & CaseIterable & Sendable>(_ name: String, _ path: Path<T>) -> ConfigurationField
    {
        ConfigurationField(
            name: name,
            read: { value, draft throws(Problem) in
                guard let choice = value.string.flatMap(T.init(rawValue:)) else {
                    throw wrong(value, "one of " + T.allCases.map(\.rawValue).joined(separator: ", "))
                }
                draft[keyPath: path] = choice
            }, write: { .string($0[keyPath: path].rawValue) })
    }

    private static func filled(_ value: Value) -> Value { value.isEmpty ? .null : value }
}
