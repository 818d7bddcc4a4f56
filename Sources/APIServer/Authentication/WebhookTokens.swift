import APIModel
public import Client
import OrderedCollections

/// Asks another server whose a token is, by a TokenReview. What it said is believed for a while.
public struct WebhookTokens: TokenAuthenticator {
    private struct Question: Hashable {
        var token: String
        var audiences: [String]
    }

    /// Of the reviews that are sent.
    public static let versions = ["v1beta1", "v1"]

    private let server: BackendServer
    private let version: String
    private let lifetime: Duration
    private let known: Remembered<Question, TokenResult>

    private static let timeout = Duration.seconds(30)
    private static let firstWait = Duration.milliseconds(500)

    /// - Parameters:
    ///   - version: one of `versions`.
    ///   - lifetime: for how long an answer is believed; zero for not at all.
    /// - Throws: `ConfigurationProblem`.
    public init(_ configuration: ClientConfiguration, version: String = "v1", lifetime: Duration = .seconds(120)) throws {
        server = try BackendServer(configuration, userAgent: "kube-apiserver")
        self.version = version
        self.lifetime = lifetime
        known = Remembered { Clock.seconds }
    }

    public func authenticate(token: String, audiences: [String]) async -> TokenResult {
        let question = Question(token: token, audiences: audiences)
        if let known = known[question] { return known }
        let review: Value = [
            "apiVersion": .string("authentication.k8s.io/\(version)"), "kind": "TokenReview", "metadata": .emptyObject,
            "spec": ["token": .string(token), "audiences": audiences.isEmpty ? .null : Value(audiences)],
        ]
        let result: TokenResult
        do {
            let answer = try await server.post(JSON.encode(review), timeout: Self.timeout, firstWait: Self.firstWait)
            result = Self.result(try JSON.decode(answer)["status"], audiences)
        } catch {
            // What could not be asked is asked again the next time.
            return .refused("the token webhook could not be asked: \(error)")
        }
        if lifetime >= .seconds(1) { known.remember(question, result, for: lifetime.components.seconds) }
        return result
    }

    private static func result(_ status: Value, _ audiences: [String]) -> TokenResult {
        guard status["authenticated"].bool == true, let name = status[path: "user", "username"].string else {
            let problem = status["error"].string ?? ""
            return problem.isEmpty ? .unknown : .refused(problem)
        }
        let user = UserInfo(
            name: name, uid: status[path: "user", "uid"].string ?? "", groups: status[path: "user", "groups"].elements.compactMap(\.string),
            extra: status[path: "user", "extra"].lists)
        // A server that says nothing of audiences knows nothing of them: its tokens are meant for this server.
        let agreed = status["audiences"].elements.compactMap(\.string)
        return .user(user, audiences: agreed.isEmpty ? nil : audiences.isEmpty ? agreed : audiences.filter(agreed.contains))
    }
}

extension Value {
    fileprivate var lists: [String: [String]] {
        Dictionary(fields.map { ($0.key, $0.value.elements.compactMap(\.string)) }, uniquingKeysWith: { $1 })
    }
}
