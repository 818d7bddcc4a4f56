public import PluginAPI

/// A set of Nodes: one bit a Node, lowest first. Iterates over the indices of set bits.
public struct NodeSet: Sequence {
    public let words: UnsafeMutablePointer<UInt64>
    /// How many Nodes there are, set or not.
    public let count: Int

    public init(words: UnsafeMutablePointer<UInt64>, count: Int) {
        self.words = words
        self.count = count
    }

    public func contains(_ node: Int) -> Bool { words[node >> 6] & (1 << UInt64(node & 63)) != 0 }
    public func remove(_ node: Int) { words[node >> 6] &= ~(1 << UInt64(node & 63)) }
    public func insert(_ node: Int) { words[node >> 6] |= 1 << UInt64(node & 63) }

    public func makeIterator() -> Iterator { Iterator(words: words, wordCount: (count + 63) >> 6, word: count > 0 ? words[0] : 0) }

    /// Reads each word once: bits that `remove` clears meanwhile in the word at hand are still visited.
    public struct Iterator: IteratorProtocol {
        let words: UnsafeMutablePointer<UInt64>
        let wordCount: Int
        var index = 0
        var word: UInt64

        public mutating func next() -> Int? {
            while word == 0 {
                index += 1
                guard index < wordCount else { return nil }
                word = words[index]
            }
            let bit = word.trailingZeroBitCount
            word &= word - 1
            return index << 6 | bit
        }
    }
}

extension NodeSet {
    /// Calls `body` with the Nodes that are set, as the longest rows of neighbours, lowest first: a loop over a row is as fast as the machine.
    /// What `body` clears of the row that it was called with makes no difference.
    @inlinable
    public func visitRuns(_ body: (Range<Int>) -> Void) {
        var start = -1
        for index in 0..<(count + 63) >> 6 {
            let base = index << 6
            var left = words[index]
            if left == .max {
                if start < 0 { start = base }
                continue
            }
            if start >= 0 {
                let ones = (~left).trailingZeroBitCount
                body(start..<base + ones)
                start = -1
                left &= .max << UInt64(ones)
            }
            while left != 0 {
                let first = left.trailingZeroBitCount
                let end = first + (~(left >> UInt64(first))).trailingZeroBitCount
                guard end < 64 else {
                    start = base + first
                    break
                }
                body(base + first..<base + end)
                left &= .max << UInt64(end)
            }
        }
        if start >= 0 { body(start..<count) }
    }

    /// Clears every Node of the set for which `isRefused` holds.
    @inlinable
    public func removeAll(where isRefused: (Int) -> Bool) {
        for index in 0..<(count + 63) >> 6 {
            var left = words[index]
            var kept = left
            while left != 0 {
                let bit = left.trailingZeroBitCount
                if isRefused(index << 6 | bit) { kept &= ~(1 << UInt64(bit)) }
                left &= left - 1
            }
            words[index] = kept
        }
    }

    /// Clears every Node that is not in the set with these words.
    @inlinable
    public func formIntersection(_ other: UnsafePointer<UInt64>) {
        for index in 0..<(count + 63) >> 6 { words[index] &= other[index] }
    }

    /// Sets every Node.
    @inlinable
    public func insertAll() {
        for index in 0..<count >> 6 { words[index] = .max }
        if count & 63 != 0 { words[count >> 6] = .max >> UInt64(64 - count & 63) }
    }
}

/// All Nodes, as columns, lent for the duration of a call.
public struct Nodes {
    public let raw: UnsafePointer<apus_nodes>
    public init(_ raw: UnsafePointer<apus_nodes>) { self.raw = raw }

    public var count: Int { Int(raw.pointee.count) }
    /// Without holes.
    public var liveCount: Int { Int(raw.pointee.live_count) }
    public var resourceCount: Int { Int(raw.pointee.resource_count) }
    public func allocatable(_ resource: Int, _ node: Int) -> Int64 { raw.pointee.allocatable[resource][node] }
    public func requested(_ resource: Int, _ node: Int) -> Int64 { raw.pointee.requested[resource][node] }
    public func isUnschedulable(_ node: Int) -> Bool { raw.pointee.unschedulable[node] != 0 }
    public func name(_ node: Int) -> apus_string { raw.pointee.names[node] }
    public func labels(_ node: Int) -> UnsafeBufferPointer<apus_label> { slice(raw.pointee.labels, raw.pointee.label_ranges, node) }
    public func taints(_ node: Int) -> UnsafeBufferPointer<apus_taint> { slice(raw.pointee.taints, raw.pointee.taint_ranges, node) }
    /// Host ports in use.
    public func ports(_ node: Int) -> UnsafeBufferPointer<apus_host_port> { slice(raw.pointee.ports, raw.pointee.port_ranges, node) }

    /// By driver, how many volumes it may have attached, and has.
    public func volumeLimits(_ node: Int) -> UnsafeBufferPointer<apus_volume_limit> {
        slice(raw.pointee.volume_limits, raw.pointee.volume_limit_ranges, node)
    }

    /// `status.declaredFeatures`
    public func features(_ node: Int) -> UnsafeBufferPointer<apus_string> { slice(raw.pointee.features, raw.pointee.feature_ranges, node) }

    /// The value of a label, `nil` where the Node does not have it.
    public func label(_ key: apus_string, _ node: Int) -> apus_string? {
        for label in labels(node) where label.key == key { return label.value }
        return nil
    }

    /// The name of a resource column.
    public func resource(_ resource: Int) -> String { text(raw.pointee.resources[resource]) }

    /// The text behind a number.
    public func text(_ string: apus_string) -> String { raw.pointee.strings[Int(string)].string }

    /// A label's value as a whole number, `nil` where it is none.
    public func number(_ string: apus_string) -> Int64? { Int64(text(string)) }

    private func slice<T>(_ all: UnsafePointer<T>, _ ranges: apus_ranges, _ node: Int) -> UnsafeBufferPointer<T> {
        UnsafeBufferPointer(start: all + Int(ranges.starts[node]), count: Int(ranges.counts[node]))
    }
}

/// One Pod's needs, lent for the duration of a call.
public struct PodNeeds {
    public let raw: UnsafePointer<apus_pod>
    public init(_ raw: UnsafePointer<apus_pod>) { self.raw = raw }

    public var namespace: String { raw.pointee.namespace_.string }
    public var name: String { raw.pointee.name.string }
    public var uid: String { raw.pointee.uid.string }
    /// The number of `spec.schedulingGroup.podGroupName`, zero where there is none.
    public var group: apus_string { raw.pointee.group }
    public var priority: Int32 { raw.pointee.priority }
    public func request(_ resource: Int) -> Int64 { raw.pointee.requests[resource] }

    /// `spec.nodeSelector`
    public var selector: UnsafeBufferPointer<apus_label> { array(raw.pointee.selector, raw.pointee.selector_count) }
    /// Required node affinity: one of the terms must match.
    public var required: UnsafeBufferPointer<apus_term> { array(raw.pointee.required, raw.pointee.required_count) }
    public var preferred: UnsafeBufferPointer<apus_term> { array(raw.pointee.preferred, raw.pointee.preferred_count) }
    public var tolerations: UnsafeBufferPointer<apus_toleration> { array(raw.pointee.tolerations, raw.pointee.toleration_count) }
    public var ports: UnsafeBufferPointer<apus_host_port> { array(raw.pointee.ports, raw.pointee.port_count) }
    public var labels: UnsafeBufferPointer<apus_label> { array(raw.pointee.labels, raw.pointee.label_count) }
    /// Required pod affinity: all of the terms must hold.
    public var affinity: UnsafeBufferPointer<apus_pod_term> { array(raw.pointee.affinity, raw.pointee.affinity_count) }
    /// Required pod anti-affinity: none of the terms may hold.
    public var antiAffinity: UnsafeBufferPointer<apus_pod_term> { array(raw.pointee.anti_affinity, raw.pointee.anti_affinity_count) }
    public var preferredAffinity: UnsafeBufferPointer<apus_pod_term> {
        array(raw.pointee.preferred_affinity, raw.pointee.preferred_affinity_count)
    }
    public var preferredAntiAffinity: UnsafeBufferPointer<apus_pod_term> {
        array(raw.pointee.preferred_anti_affinity, raw.pointee.preferred_anti_affinity_count)
    }
    /// `spec.topologySpreadConstraints`
    public var spread: UnsafeBufferPointer<apus_spread> { array(raw.pointee.spread, raw.pointee.spread_count) }
    public var images: UnsafeBufferPointer<apus_image> { array(raw.pointee.images, raw.pointee.image_count) }
    /// PersistentVolumeClaims, by name.
    public var claims: UnsafeBufferPointer<apus_string> { array(raw.pointee.claims, raw.pointee.claim_count) }

    /// Where the Pod's volumes let it run: all of the rules must hold.
    public var volumeRules: UnsafeBufferPointer<apus_volume_rule> { array(raw.pointee.volume_rules, raw.pointee.volume_rule_count) }

    /// Volumes of CSI drivers that the Pod needs.
    public var attachments: UnsafeBufferPointer<apus_attachment> { array(raw.pointee.attachments, raw.pointee.attachment_count) }

    /// Features that a Node must declare.
    public var features: UnsafeBufferPointer<apus_string> { array(raw.pointee.features, raw.pointee.feature_count) }

    private func array<T>(_ start: UnsafePointer<T>?, _ count: UInt32) -> UnsafeBufferPointer<T> {
        UnsafeBufferPointer(start: start, count: Int(count))
    }
}

/// Takes reasons for refused Nodes. Reasons are counted into `0/3 nodes are available: …`, so they are short and do not name the Node.
public struct Reasons {
    private let raw: UnsafePointer<apus_reasons>
    init(_ raw: UnsafePointer<apus_reasons>) { self.raw = raw }

    /// `nodes` are refused because of `reason`. When one of the events in `hints` happens the Pod is tried again.
    public func add(_ nodes: NodeSet, _ verdict: Verdict, _ reason: String, hints: ClusterEvents = []) {
        reason.withBorrowed { raw.pointee.add(raw.pointee.context, nodes.words, verdict.rawValue, $0, hints.rawValue) }
    }
}

/// Takes what points are made of.
public struct ScoreParts {
    private let raw: UnsafePointer<apus_parts>
    init(_ raw: UnsafePointer<apus_parts>) { self.raw = raw }

    /// One score: its points by Node, before they are multiplied by `weight`.
    /// - Precondition: there is an element for every Node, though it is read for feasible ones only.
    public func add(_ name: String, weight: Int32, _ points: UnsafePointer<Int32>) {
        name.withBorrowed { raw.pointee.add(raw.pointee.context, $0, weight, points) }
    }
}

/// What may happen to the cluster that lets a refused Pod run; none stands for anything.
public struct ClusterEvents: OptionSet, Sendable, Hashable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let nodeAdded = ClusterEvents(rawValue: APUS_EVENT_NODE_ADDED)
    public static let nodeRemoved = ClusterEvents(rawValue: APUS_EVENT_NODE_REMOVED)
    public static let nodeLabels = ClusterEvents(rawValue: APUS_EVENT_NODE_LABELS)
    /// `spec.unschedulable`, too.
    public static let nodeTaints = ClusterEvents(rawValue: APUS_EVENT_NODE_TAINTS)
    public static let nodeAllocatable = ClusterEvents(rawValue: APUS_EVENT_NODE_ALLOCATABLE)
    /// On a Node, or with other labels than before.
    public static let podAdded = ClusterEvents(rawValue: APUS_EVENT_POD_ADDED)
    /// From a Node: it went, or finished, or is being deleted.
    public static let podRemoved = ClusterEvents(rawValue: APUS_EVENT_POD_REMOVED)
    /// Has other labels.
    public static let namespace = ClusterEvents(rawValue: APUS_EVENT_NAMESPACE)
    /// A claim, a PersistentVolume or a StorageClass came or changed.
    public static let volume = ClusterEvents(rawValue: APUS_EVENT_VOLUME)
    /// A Node can have more volumes attached, or one was detached.
    public static let volumeLimits = ClusterEvents(rawValue: APUS_EVENT_VOLUME_LIMITS)
    /// An object that some policy observes came, changed or went.
    public static let observed = ClusterEvents(rawValue: APUS_EVENT_OBSERVED)
    /// A Node declares other features.
    public static let nodeFeatures = ClusterEvents(rawValue: APUS_EVENT_NODE_FEATURES)
}

/// Whether preemption could help where a Node is refused.
public struct Verdict: Sendable, Hashable {
    let rawValue: apus_status
    /// Not as things are, but the Node might do if some of its Pods went.
    public static let unschedulable = Verdict(rawValue: APUS_UNSCHEDULABLE)
    /// Not whichever Pods went.
    public static let unresolvable = Verdict(rawValue: APUS_UNRESOLVABLE)
}

extension NodeSet {
    /// Clears every Node for which `isRefused` holds, and tells `reasons`, where there are any to tell, that `reason` was why.
    public func remove(
        _ reason: String, _ verdict: Verdict = .unresolvable, hints: ClusterEvents = [], _ reasons: Reasons?,
        where isRefused: (Int) throws -> Bool
    ) rethrows {
        guard let reasons else {
            for node in self where try isRefused(node) { remove(node) }
            return
        }
        var words = [UInt64](repeating: 0, count: (count + 63) >> 6)
        for node in self where try isRefused(node) {
            remove(node)
            words[node >> 6] |= 1 << UInt64(node & 63)
        }
        guard words.contains(where: { $0 != 0 }) else { return }
        words.withUnsafeMutableBufferPointer { reasons.add(NodeSet(words: $0.baseAddress!, count: count), verdict, reason, hints: hints) }
    }
}
