public import APIModel
public import PluginKit

/// Deletes bootstrap tokens that have expired. Rules: upstream `pkg/controller/bootstrap`.
public struct TokenCleanerController: Controller {
    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    /// Of the namespace that the tokens lie in.
    public func reconcile(_ key: Key) throws -> Outcome {
        guard key.name == BootstrapToken.namespace else { return .done }
        let now = Timestamp.nowSeconds()
        var next: Whole?
        for token in try BootstrapToken.all(objects) {
            guard let left = token.secondsLeft(now: now) else { continue }
            if left > 0 { next = min(next ?? left, left) } else { try objects.remove(.secrets, token.secret) }
        }
        return next.map { .doneCheckAgain(afterMilliseconds: $0 * 1000) } ?? .done
    }
}
