import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// A hundred thousand random things happen to a cluster, and a referee that knows nothing of columns watches: no Node is over-committed, no Pod is
/// bound twice, nobody goes for somebody less important, and in the end whoever fits has a Node.
@Suite struct RefereeTests {
    @Test func theRefereeHasNothingToSay() async throws {
        let host = try await Policies.load()
        var game = Game(seed: 1)
        for _ in 0..<100_000 { game.step(host) }
        game.settle(host)
        #expect(game.complaints == [])
        await host.stop()
    }

    /// Every Pod is at the mercy of a policy that lets it wait, allows and rejects it as it likes.
    @Test func norWhenAPolicyHasWhims() async throws {
        let host = try await Policies.wayward()
        var game = Game(seed: 2, name: "whims-")
        for _ in 0..<6_000 { game.step(host) }
        #expect(game.waited > 300 && game.rejected > 300)
        game.calm(host)
        game.settle(host)
        #expect(game.complaints == [])
        await host.stop()
    }
}

private struct Game {
    private struct Known {
        let object: Object
        let cpu: Int
        let priority: Int
        var node: String?
    }
    private static let capacity = 8
    /// With more Pods than this some go.
    private static let crowd = 20

    private var random: UInt64
    private let loop = SchedulingLoop(seed: 7)
    private var nodes: Set<String> = []
    private var pods: [String: Known] = [:]
    /// By Node, what the Pods there hold.
    private var used: [String: Int] = [:]
    /// Those that have a Node that the API has not said yet.
    private var unconfirmed: Set<String> = []
    /// Those that count on a Node and are not to be bound yet.
    private var waiting: Set<String> = []
    private(set) var waited = 0
    private(set) var rejected = 0
    private let name: String
    private var made = 0
    private var now: Int64 = 0
    private(set) var complaints: [String] = []

    init(seed: UInt64, name: String = "p") {
        self.name = name
        random = seed &* 0x9E37_79B9_7F4A_7C15
        for index in 0..<5 { addNode("n\(index)") }
    }

    private mutating func number(_ below: Int) -> Int {
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        return Int(random % UInt64(below))
    }

    /// One thing happens, and the scheduler decides about a Pod or two.
    mutating func step(_ host: PluginHost) {
        now += Int64(number(500))
        switch pods.count > Self.crowd ? 1 : number(10) {
        case 0: toggleNode("n\(number(7))")
        case 1, 2: if let name = pods.keys.min() { remove(name) }
        case 3, 4: if let name = unconfirmed.min() { confirm(name) }
        case 5: if let name = unconfirmed.min() { fail(name) }
        default: addPod()
        }
        for _ in 0..<number(3) { decide(host) }
        check()
    }

    /// The policy has no whims any more.
    mutating func calm(_ host: PluginHost) {
        let object = Object(["metadata": ["name": "calm", "namespace": "default"]])
        _ = loop.receive(.observed(.configMaps, PodKey(object), object), now: now)
        decide(host)
    }

    /// All that is under way comes to its end.
    mutating func settle(_ host: PluginHost) {
        for _ in 0..<400 {
            now += 11_000
            while let name = unconfirmed.min() { confirm(name) }
            _ = loop.patience(now: now)
            for _ in 0..<20 { decide(host) }
        }
        check()
        for (name, pod) in pods where pod.node == nil && nodes.contains(where: { free($0) >= pod.cpu }) {
            complaints.append("\(name) waits, and there is room")
        }
    }

    private func free(_ node: String) -> Int { Self.capacity - (used[node] ?? 0) }

    /// Notes where a Pod is, or that it is nowhere any more.
    private mutating func place(_ name: String, on node: String?) {
        guard let pod = pods[name] else { return }
        if let old = pod.node { used[old, default: 0] -= pod.cpu }
        if let node { used[node, default: 0] += pod.cpu }
        pods[name]?.node = node
        waiting.remove(name)
        if node == nil { unconfirmed.remove(name) } else { unconfirmed.insert(name) }
    }

    private mutating func check() {
        for node in nodes where free(node) < 0 { complaints.append("\(node) is over-committed") }
    }

    private mutating func addNode(_ name: String) {
        nodes.insert(name)
        _ = loop.receive(.node(before: nil, after: node(name, cpu: "\(Self.capacity)")), now: now)
    }

    private mutating func toggleNode(_ name: String) {
        guard nodes.remove(name) != nil else { return addNode(name) }
        _ = loop.receive(.node(before: node(name), after: nil), now: now)
    }

    private mutating func addPod() {
        made += 1
        let (cpu, priority) = (number(4) + 1, number(3))
        var value = pod("\(name)\(made)", cpu: "\(cpu)").value
        value["spec"]["priority"] = .int(Int64(priority))
        let object = Object(value)
        pods[object.name] = Known(object: object, cpu: cpu, priority: priority)
        _ = loop.receive(.pod(before: nil, after: object), now: now)
    }

    private mutating func remove(_ name: String) {
        place(name, on: nil)
        guard let pod = pods.removeValue(forKey: name) else { return }
        _ = loop.receive(.pod(before: pod.object, after: nil), now: now)
    }

    private mutating func confirm(_ name: String) {
        guard let pod = pods[name], let node = pod.node else { return }
        unconfirmed.remove(name)
        var value = pod.object.value
        value["spec"]["nodeName"] = .string(node)
        _ = loop.receive(.pod(before: pod.object, after: Object(value)), now: now)
    }

    private mutating func fail(_ name: String) {
        guard let pod = pods[name] else { return }
        place(name, on: nil)
        _ = loop.receive(.bindFailed(PodKey(pod.object), uid: pod.object.uid), now: now)
    }

    private mutating func decide(_ host: PluginHost) {
        var next = loop.cycle(host, now: now)
        while let effect = next {
            take(effect)
            next = loop.more()
        }
    }

    private mutating func take(_ effect: SchedulingLoop.Effect) {
        switch effect {
        case .bind(let object, let node, _):
            if let known = pods[object.name]?.node, !waiting.contains(object.name) || known != node {
                complaints.append("\(object.name) is bound twice")
            }
            if !nodes.contains(node) { complaints.append("\(object.name) is bound to \(node), which is not there") }
            place(object.name, on: node)
        case .waiting(let object, let node):
            if pods[object.name]?.node != nil { complaints.append("\(object.name) waits, and had a Node") }
            place(object.name, on: node)
            waiting.insert(object.name)
            unconfirmed.remove(object.name)
            waited += 1
        case .rejected(let object, _):
            rejected += 1
            // One that went meanwhile is not there any more.
            if waiting.contains(object.name) { place(object.name, on: nil) }
        case .unschedulable(let object, _, .node(_, let victims, _)):
            for victim in victims {
                if pods[victim.name]?.priority ?? 0 >= pods[object.name]?.priority ?? 0 {
                    complaints.append("\(victim.name) goes for \(object.name), which is not more important")
                }
                remove(victim.name)
            }
        case .failed(let object, let message): complaints.append("\(object.name): \(message)")
        default: break
        }
    }
}
