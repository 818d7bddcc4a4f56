public import APIModel
public import PluginKit

/// Deletes tokens that once were made by themselves for each ServiceAccount, and that nobody has used for a year: first such a token is
/// marked, from when on the API server refuses it, and after as long again it goes.
///
/// Rules: upstream `pkg/controller/serviceaccount`. `LegacyToken` says what becomes of one.
public struct LegacyTokenCleanerController: Controller {
    private static let tracking = (namespace: "kube-system", name: "kube-apiserver-legacy-service-account-token-tracking")
    private static let year: Whole = 365 * 86_400
    /// Dates are what all is reckoned in.
    private static let period: Whole = 86_400

    private let objects: Objects
    /// In seconds.
    private let patience: Whole

    public static let settings: Set = ["cleanUpPeriodSeconds"]

    /// - Throws: `ComponentError` for a `cleanUpPeriodSeconds` that is no time.
    public init(_ host: Host, config: Value) throws {
        objects = host.objects
        patience = config["cleanUpPeriodSeconds"].int ?? Self.year
        guard patience > 0 else { throw ComponentError.invalid("cleanUpPeriodSeconds: a time is more than nothing") }
    }

    /// Of a ServiceAccount. What was made by itself, the account lists; other tokens are their makers' to delete.
    public func reconcile(_ key: Key) throws -> Outcome {
        guard let account = try objects.get(.serviceAccounts, namespace: key.namespace, name: key.name) else { return .done }
        let listed = Set(account["secrets"].elements.compactMap { $0["name"].string })
        guard !listed.isEmpty else { return .done }
        let again = Outcome.doneCheckAgain(afterMilliseconds: Self.period * 1000)
        let now = Timestamp.nowSeconds()
        guard let since = try trackedSince(), now >= since + Self.period + patience else { return again }
        let tokens = try objects.list(.secrets, namespace: key.namespace, fields: "\(LegacyToken.accountField)=\(key.name)")
            .map { LegacyToken(secret: $0) }.filter { listed.contains($0.name) && $0.belongs(to: account) }
        var mounted: Set<String>?
        for token in tokens {
            let step = token.step(now: now, patience: patience)
            guard step != .keep else { continue }
            if mounted == nil { mounted = Set(try objects.list(.pods, namespace: key.namespace).flatMap(PodSecrets.names)) }
            if mounted?.contains(token.name) == false { try take(step, token) }
        }
        return again
    }

    /// The day since which the API server notes who uses which, in seconds since 1970; `nil` where it does not.
    private func trackedSince() throws -> Whole? {
        let map = try objects.get(.configMaps, namespace: Self.tracking.namespace, name: Self.tracking.name)
        return map?["data"]["since"].string.flatMap(LegacyToken.day)
    }

    private func take(_ step: LegacyToken.Step, _ token: LegacyToken) throws {
        let metadata = token.secret["metadata"]
        do {
            switch step {
            case .keep: break
            case .mark(let date):
                try objects.patch(
                    .secrets, namespace: metadata["namespace"].string ?? "", name: token.name, .merge,
                    ["metadata": ["uid": metadata["uid"], "labels": [LegacyToken.invalidSince: .string(date)]]])
            case .delete:
                // Not one that was used in this very moment.
                try objects.delete(
                    .secrets, namespace: metadata["namespace"].string ?? "", name: token.name,
                    options: ["preconditions": ["resourceVersion": metadata["resourceVersion"]]])
            }
        } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {}
    }
}
