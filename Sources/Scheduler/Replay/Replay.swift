internal import APIModel
public import PluginHost

/// Decisions that were recorded, made again by other policies: on the state of the cluster as it was each time, so that one that differs does
/// not lead to others.
public struct Replay {
    /// A decision that would have been another.
    public struct Difference: Sendable {
        public let pod: String
        /// In milliseconds since the recording began.
        public let time: Int64
        /// A Node, or why there was none.
        public let recorded: String
        public let replayed: String
        /// What spoke for the Node, or against all.
        public let reason: String
    }
    /// A line that is none of a recording.
    public struct Problem: Error, CustomStringConvertible {
        public let description: String
    }

    public private(set) var decisions = 0
    public private(set) var differed = 0
    /// The first of those that differ.
    public private(set) var differences: [Difference] = []
    private static let shown = 100

    private let loop: SchedulingLoop
    private let policies: any PolicySource
    private var objects: [Key: Object] = [:]
    private var lines = 0

    private struct Key: Hashable {
        let resource: GroupVersionResource
        let name: PodKey
    }

    public init(_ configuration: SchedulerConfiguration = SchedulerConfiguration(), _ policies: any PolicySource) {
        loop = SchedulingLoop(seed: 1, configuration)
        self.policies = policies
    }

    /// Takes the next line of a recording.
    /// - Throws: `Problem` for what is no such line.
    public mutating func take(_ line: [UInt8]) throws {
        lines += 1
        guard !line.isEmpty else { return }
        guard let value = try? JSON.decode(line), let time = value["at"].int?.int64 else { throw wrong("is no line of a recording") }
        if let text = value["resource"].string {
            guard let resource = GroupVersionResource(text), let name = value["name"].string else { throw wrong("names no object") }
            let key = Key(resource: resource, name: PodKey(namespace: value["namespace"].string ?? "", name: name))
            let (before, after) = (objects[key], value["object"].isNull ? nil : Object(value["object"]))
            objects[key] = after
            _ = loop.receive(Message(resource, before: before, after: after), now: time)
        } else if let text = value["observed"].string {
            guard let resource = GroupVersionResource(text), let name = value["name"].string else { throw wrong("names no object") }
            let object = value["object"].isNull ? nil : Object(value["object"])
            _ = loop.receive(
                .observed(resource, PodKey(namespace: value["namespace"].string ?? "", name: name), object), now: time)
        } else if let pod = value["pod"].string.flatMap(Self.key) {
            decide(pod, value, time)
        } else if let pod = value["failed"].string.flatMap(Self.key) {
            _ = loop.receive(.bindFailed(pod, uid: value["uid"].string ?? ""), now: time)
        } else {
            throw wrong("says nothing that a recording says")
        }
    }

    private func wrong(_ what: String) -> Problem { Problem(description: "line \(lines) \(what)") }

    private static func key(_ text: String) -> PodKey? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == 2 ? PodKey(namespace: String(parts[0]), name: String(parts[1])) : nil
    }

    private mutating func decide(_ pod: PodKey, _ line: Value, _ time: Int64) {
        let node = line["node"].string
        defer { if let node { loop.assume(pod, on: node) } }
        guard let object = objects[Key(resource: .pods, name: pod)], let record = loop.consider(object, policies, preferred: node) else {
            return
        }
        decisions += 1
        let chosen: String? = if case .node(let name) = record.outcome { name } else { nil }
        guard chosen != node else { return }
        differed += 1
        guard differences.count < Self.shown else { return }
        let message: String = if case .none(let why) = record.outcome { why } else { record.summary }
        differences.append(
            Difference(
                pod: pod.description, time: time, recorded: node ?? line["message"].string ?? "", replayed: chosen ?? "", reason: message))
    }
}
