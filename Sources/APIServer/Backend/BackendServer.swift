import APIModel
import Client
import HTTPServer
import NIOCore
import Streaming

/// A server that this one asks or tells something, as a kubeconfig file names it: its address, whom to believe, what to show. Each question
/// has a connection of its own. Safe from any task.
struct BackendServer: Sendable {
    private let host: String
    private let port: Int
    private let authority: String
    private let path: String
    private let tls: Dialer.TLS?
    private let token: String?
    private let userAgent: String

    private static let longestAnswer = 10 << 20

    /// - Throws: `ConfigurationProblem` for an address that is none.
    init(_ configuration: ClientConfiguration, userAgent: String) throws {
        guard let url = WebhookURL(configuration.server), ["http", "https"].contains(url.scheme) else {
            throw ConfigurationProblem("\(configuration.server) is not the URL of a server")
        }
        let isPlain = url.scheme == "http"
        host = url.host
        port = url.port ?? (isPlain ? 80 : 443)
        authority = url.authority
        path = url.path
        func text(_ bytes: [UInt8]) -> String? { bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
        tls =
            isPlain
            ? nil
            : Dialer.TLS(
                caPEM: text(configuration.certificateAuthority), certificateChainPEM: text(configuration.clientCertificate),
                privateKeyPEM: text(configuration.clientKey), trustsAnyone: configuration.serverVerification == .none)
        switch configuration.credential {
        case .none: token = nil
        case .token(let given): token = given
        case .tokenFile: throw ConfigurationProblem("\(configuration.server): a token file is not supported here; give the token itself")
        }
        self.userAgent = userAgent
    }

    /// An answer that is none of success.
    struct Refused: Error, CustomStringConvertible {
        var status: Int
        var description: String { "the server responded with the status code \(status)" }

        /// Whether it is an answer of a server that may answer otherwise the next time.
        static func mayPass(_ error: any Error) -> Bool { (error as? Refused).map { $0.status == 429 || $0.status >= 500 } ?? false }
    }

    /// Upstream's: how often something is sent at most, and how much longer each wait is than the one before.
    private static let tries = 5
    private static let factor = 1.5

    /// Whether another try may end better: also where there was no answer at all.
    static func mayPass(_ error: any Error) -> Bool {
        error is Refused ? Refused.mayPass(error) : !(error is CancellationError)
    }

    /// Sends JSON and returns what came back; tries again what may pass.
    /// - Parameters:
    ///   - timeout: of each try.
    ///   - firstWait: after the first one.
    ///   - givesUp: whether the next try is one too many.
    ///   - mayPass: whether another try may end better.
    ///   - told: hears of each try, what was wrong and when it began.
    ///   - read: makes of an answer what is wanted, and throws for what is none.
    /// - Throws: when there is no answer in time, or none of success, at the last try.
    func post<Answer: Sendable>(
        _ body: [UInt8], timeout: Duration, firstWait: Duration, givesUp: @Sendable () -> Bool = { false },
        mayPass: @Sendable (any Error) -> Bool = BackendServer.mayPass,
        told: @Sendable ((any Error)?, ContinuousClock.Instant) -> Void = { _, _ in },
        read: @Sendable ([UInt8]) throws -> Answer
    ) async throws -> Answer {
        func attempt() async throws -> Answer {
            let begin = ContinuousClock.now
            do {
                let answer = try read(await post(body, timeout))
                told(nil, begin)
                return answer
            } catch {
                told(error, begin)
                throw error
            }
        }
        var wait = firstWait
        for _ in 1..<Self.tries {
            do {
                return try await attempt()
            } catch {
                guard mayPass(error), !givesUp() else { throw error }
                try await Task.sleep(for: wait)
                wait = wait * Self.factor
            }
        }
        return try await attempt()
    }

    /// The same of an answer as it came.
    func post(
        _ body: [UInt8], timeout: Duration, firstWait: Duration, givesUp: @Sendable () -> Bool = { false },
        mayPass: @Sendable (any Error) -> Bool = BackendServer.mayPass
    ) async throws -> [UInt8] {
        try await post(body, timeout: timeout, firstWait: firstWait, givesUp: givesUp, mayPass: mayPass, read: { $0 })
    }

    private func post(_ body: [UInt8], _ timeout: Duration) async throws -> [UInt8] {
        let end = ContinuousClock.now + timeout
        let connection = try await Dialer.connect(host: host, port: port, tls: tls, timeout: timeout)
        var headers = [
            ("Accept", "application/json"), ("User-Agent", userAgent), ("Connection", "close"), ("Content-Type", "application/json"),
        ]
        if let token { headers.append(("Authorization", "Bearer \(token)")) }
        let request = HTTP1Request(method: "POST", target: path, host: authority, headers: headers, body: body)
        // The goodbye of TLS waits for the other side, and nobody here needs it. The task ends with the connection.
        defer { Task { await connection.close() } }
        return try await within(end - ContinuousClock.now) {
            let answer = try await request.send(over: connection)
            let bytes = try await answer.collect(upTo: Self.longestAnswer)
            guard (200..<300).contains(answer.status) else { throw Refused(status: answer.status) }
            return bytes
        }
    }
}
