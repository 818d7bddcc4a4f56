import APIModel
import Synchronization

/// What the container runtime calls itself and what it can, as it last said: the runtime can be swapped under the kubelet.
final class RuntimeIdentity: Sendable, CustomStringConvertible {
    private let last = Mutex((name: "", version: ""))
    private let known = Mutex(RuntimeFeatures())
    private let network = Mutex<String?>(nil)

    /// Asks the runtime.
    func read(_ cri: CRI) async throws(RuntimeFailure) {
        let answer = try await cri.version()
        last.withLock { $0 = answer }
    }

    /// Takes in what it said of its state.
    func note(_ status: Value) {
        known.withLock { $0 = RuntimeFeatures(status) }
        let problem = status[path: "status", "conditions"].elements.first { $0["type"].string == "NetworkReady" }.flatMap(Self.problem)
        network.withLock { $0 = problem }
    }

    /// What a condition of the runtime says is wrong, by upstream's words; `nil` when nothing is, and for conditions that nobody knows.
    static func problem(_ condition: Value) -> String? {
        guard condition["status"].bool != true, let type = condition["type"].string, let subject = subjects[type] else { return nil }
        return "\(subject): \(type)=false reason:\(condition["reason"].string ?? "") message:\(condition["message"].string ?? "")"
    }

    private static let subjects = [
        "RuntimeReady": "container runtime status check may not have completed yet", "NetworkReady": "container runtime network not ready",
    ]

    /// `containerd`
    var name: String { last.withLock { $0.name } }
    var features: RuntimeFeatures {
        var features = known.withLock { $0 }
        features.readsDeviceSpecs = Self.readsDeviceSpecs(name: name, version: last.withLock { $0.version })
        return features
    }

    /// containerd does since 1.7; others had it from when they could be used here.
    static func readsDeviceSpecs(name: String, version: String) -> Bool {
        guard name == "containerd" else { return true }
        let numbers = version.drop { $0 == "v" }.split(separator: ".").prefix(2).map { Int($0) ?? 0 }
        return numbers.count < 2 || (numbers[0], numbers[1]) >= (1, 7)
    }

    /// Why pods get no network of their own; `nil` when they do.
    var networkProblem: String? { network.withLock { $0 } }
    /// `containerd://1.6.20`
    var description: String { last.withLock { "\($0.name)://\($0.version)" } }
}
