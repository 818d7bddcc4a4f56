import APIModel
import Client
import HTTPServer
import Streaming

/// Asks webhooks, each over a connection of its own.
struct WebhookClient: Sendable {
    /// Whether an endpoint of a Service may be gone to.
    let isReachable: @Sendable (String) -> Bool
    /// As whom it comes.
    var credentials = WebhookCredentials()

    func coming(as credentials: WebhookCredentials) -> WebhookClient {
        WebhookClient(isReachable: isReachable, credentials: credentials)
    }

    /// More than an object and a patch of it come to.
    private static let longestAnswer = 10 << 20

    private struct Destination {
        var host: String
        var port: Int
        /// As the configuration has it: a Service may listen elsewhere.
        var namedPort: Int
        /// As the request says it.
        var authority: String
        var path: String
        /// Whose certificate is expected.
        var serverName: String?
        /// For messages.
        var url: String
        var isLocal: Bool
    }

    /// Why no answer came.
    enum Failure: Error, CustomStringConvertible {
        /// Nobody could be asked at all.
        case noEndpoint(String)
        case noAnswer(url: String, any Error)

        var description: String {
            switch self {
            case .noEndpoint(let why): why
            // What was answered speaks for itself.
            case .noAnswer(_, let error as WebhookRefusal): "\(error)"
            case .noAnswer(_, let error as Empty): "\(error)"
            case .noAnswer(let url, let error): "Post \(FieldError.quoted(url)): \(error)"
            }
        }
    }

    /// - Throws: when there is no answer, or none that is one, within the webhook's time.
    func ask(_ review: WebhookReview, _ registry: Registry) async throws(WebhookFailure) -> WebhookReview.Answer {
        let body: [UInt8]
        do throws(Failure) {
            body = try await post(review.body, to: review.webhook.endpoint, registry)
        } catch {
            if case .noEndpoint = error { throw .notCalled(review.webhook, "\(error)") }
            throw .notCalled(review.webhook, "failed to call webhook: \(error)")
        }
        return try review.answer(body)
    }

    /// Sends JSON and returns what is answered with a status of success, within the endpoint's time.
    func post(_ body: [UInt8], to endpoint: WebhookEndpoint, _ registry: Registry) async throws(Failure) -> [UInt8] {
        let destination = try destination(of: endpoint, registry)
        do {
            return try await exchange(body, destination, endpoint)
        } catch {
            throw .noAnswer(url: destination.url, error)
        }
    }

    // MARK: Where

    private func destination(of endpoint: WebhookEndpoint, _ registry: Registry) throws(Failure) -> Destination {
        let query = "?timeout=\(endpoint.timeout)s"
        switch endpoint.place {
        case .url(let text):
            guard let url = WebhookURL(text) else { throw .noEndpoint("could not get REST client: unparsable URL: \(text)") }
            return Destination(
                host: url.host, port: url.port ?? 443, namedPort: url.port ?? 443, authority: url.authority, path: url.path + query,
                serverName: nil,
                url: "https://\(url.authority)\(url.path)\(query)", isLocal: true)
        case .service(let namespace, let name, let port, let path):
            let serverName = "\(name).\(namespace).svc"
            let target = (path.hasPrefix("/") ? path : "/\(path)") + query
            let url = "https://\(serverName):\(port)\(target)"
            do {
                let backends = Backends(registry: registry, kubeletHosts: [:], isReachable: isReachable)
                let found = try backends.service("https:\(name):\(port)", namespace: namespace)
                return Destination(
                    host: found.host, port: found.port, namedPort: Int(clamping: port.int64), authority: "\(serverName):\(port)",
                    path: target, serverName: serverName, url: url,
                    isLocal: false)
            } catch let error as APIError where error.reason == .notFound {
                throw .noAnswer(url: url, Missing(description: "service \(FieldError.quoted(name)) not found"))
            } catch {
                throw .noAnswer(url: url, error)
            }
        }
    }

    private struct Missing: Error, CustomStringConvertible { var description: String }

    // MARK: How

    private struct Empty: Error, CustomStringConvertible {
        var status: Int
        var type: String
        var description: String { "0-length response with status code: \(status) and content type: \(type)" }
    }

    private struct NotTrusted: Error, CustomStringConvertible {
        let description = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    }

    private struct TimeIsUp: Error, CustomStringConvertible { let description = "context deadline exceeded" }

    private func exchange(_ body: [UInt8], _ destination: Destination, _ endpoint: WebhookEndpoint) async throws -> [UInt8] {
        let end = ContinuousClock.now + .seconds(endpoint.timeout.int64)
        let user = credentials.user(host: destination.serverName ?? destination.host, port: destination.namedPort)
        func pem(_ bytes: [UInt8]?) -> String? { bytes.flatMap { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) } }
        let tls = Dialer.TLS(
            caPEM: endpoint.authorities.isEmpty ? nil : endpoint.authorities, certificateChainPEM: pem(user?.certificate),
            privateKeyPEM: pem(user?.key), serverName: destination.serverName)
        let isReachable = isReachable
        let connection: any RawConnection
        do {
            connection = try await Dialer.connect(
                host: destination.host, port: destination.port, tls: tls, timeout: .seconds(endpoint.timeout.int64)
            ) { destination.isLocal || isReachable($0) }
        } catch {
            if ContinuousClock.now >= end { throw TimeIsUp() }
            // The library says no more of it than where in its source it was found.
            throw "\(error)".contains("CERTIFICATE_VERIFY_FAILED") ? NotTrusted() : error
        }
        let request = HTTP1Request(
            method: "POST", target: destination.path, host: destination.authority,
            headers: [
                ("Content-Type", "application/json"), ("Accept", "application/json"), ("User-Agent", "kube-apiserver-admission"),
                ("Connection", "close"),
            ] + (user?.authorization.map { [("Authorization", $0)] } ?? []), body: body)
        // The goodbye of TLS waits for the other side, seconds where that is slow, and nobody here needs it. The task ends with the
        // connection.
        defer { Task { await connection.close() } }
        do {
            return try await within(end - ContinuousClock.now) {
                let answer = try await request.send(over: connection)
                let bytes = try await answer.collect(upTo: Self.longestAnswer)
                func header(_ name: String) -> String { answer.headers.first { $0.name.lowercased() == name }?.value ?? "" }
                guard (200..<300).contains(answer.status) else {
                    throw WebhookRefusal(status: answer.status, body: bytes, isText: header("content-type").hasPrefix("text/"))
                }
                guard !bytes.isEmpty else { throw Empty(status: answer.status, type: header("content-type")) }
                return bytes
            }
        } catch is TookTooLong {
            throw TimeIsUp()
        }
    }
}
