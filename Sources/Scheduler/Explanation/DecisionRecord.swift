internal import APIModel

/// What one cycle decided, and why: what people get to see of it.
struct DecisionRecord: Sendable {
    /// A score, or all that a policy gives where it does not say what its points are made of.
    struct Part: Sendable, Hashable {
        let policy: String
        let score: String
        /// What its points were multiplied by.
        let weight: Int64
    }
    struct Candidate: Sendable {
        let node: String
        let total: Int64
        /// In the order of `parts`.
        let points: [Int32]
    }
    struct Refused: Sendable {
        let node: String
        let reasons: [String]
    }
    enum Outcome: Sendable {
        case node(String)
        /// Why there is none.
        case none(String)
        /// It counts on the Node, and policies let it wait.
        case waiting(String, [String: WaitingPods.Wait])
    }

    let pod: PodKey
    let uid: String
    let schedulerName: String
    /// In seconds since 1970.
    let time: Int64
    var outcome: Outcome
    /// How many Nodes there were, and would have done.
    let nodes: Int
    let feasible: Int
    let parts: [Part]
    /// The Nodes with the most points, best first.
    let best: [(node: String, total: Int64)]
    /// By part, what each of these was given.
    let points: [Int32]
    /// Some of those that would not do.
    let refused: [Refused]

    /// So many Nodes are told of, of either sort.
    static let shown = 10

    var candidates: [Candidate] {
        best.enumerated().map { index, one in
            Candidate(node: one.node, total: one.total, points: parts.indices.map { points[$0 * best.count + index] })
        }
    }

    /// `node-a: 683 points, node-b: 671, node-c: 650; 2 of 5 nodes refused`
    var summary: String {
        // Where one Node alone would do, nobody was asked for points.
        let only = self.best.prefix(feasible == 1 ? 1 : 0).map { "\($0.node): the only node that fits" }
        let best = !only.isEmpty ? only : self.best.prefix(3).enumerated().map { "\($1.node): \($1.total)\($0 == 0 ? " points" : "")" }
        let refusals = nodes > feasible ? "\(nodes - feasible) of \(nodes) nodes refused" : ""
        return [best.joined(separator: ", "), refusals].filter { !$0.isEmpty }.joined(separator: "; ")
    }

    /// As the API shows it.
    var value: Value {
        var (node, message, waiting) = (Value.null, Value.null, Value.null)
        switch outcome {
        case .node(let name): node = .string(name)
        case .none(let why): message = .string(why)
        case .waiting(let name, let waits):
            node = .string(name)
            waiting = .array(
                waits.sorted { $0.key < $1.key }.map { ["policy": .string($0.key), "reason": .string($0.value.reason)] })
        }
        return [
            "namespace": .string(pod.namespace), "name": .string(pod.name), "uid": .string(uid), "schedulerName": .string(schedulerName),
            "time": .string(Timestamp.format(seconds: time)), "node": node, "message": message, "waiting": waiting, "nodes": Value(nodes),
            "feasible": Value(feasible),
            "parts": .array(
                parts.map { ["policy": .string($0.policy), "score": .string($0.score), "weight": .int($0.weight)] }),
            "candidates": .array(
                candidates.map { candidate in
                    [
                        "node": .string(candidate.node), "total": .int(candidate.total),
                        "points": .array(candidate.points.map { Value($0) }),
                    ]
                }),
            "refused": .array(refused.map { ["node": .string($0.node), "reasons": Value($0.reasons)] }),
        ]
    }
}
