import APIModel
import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Requests and answers as bytes, with our credentials, over connections that are kept.
final class Transport: Carrier {
    /// Tries after which "too many requests" is taken for the answer; as client-go.
    private static let tries = 10
    private static let timeout = TimeAmount.seconds(60)

    private let client: Mutex<HTTPClient>
    private let server: String
    private let token: TokenSource
    private let userAgent: String

    init(_ configuration: ClientConfiguration, userAgent: String) throws {
        server = configuration.server
        token = TokenSource(configuration.credential)
        self.userAgent = userAgent
        client = Mutex(try Self.client(configuration))
    }

    private static func client(_ configuration: ClientConfiguration) throws -> HTTPClient {
        var settings = HTTPClient.Configuration(tlsConfiguration: try tls(configuration))
        settings.timeout.connect = .seconds(10)
        // A watch that says nothing for so long is dead: servers send a bookmark each minute.
        settings.timeout.read = .seconds(180)
        settings.redirectConfiguration = .disallow
        settings.httpVersion = .automatic
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 32
        // The callers retry, and want to know.
        settings.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    private var http: HTTPClient { client.withLock { $0 } }

    func shutDown() async { try? await http.shutdown() }

    /// Requests from now on show the certificate of `configuration`, and believe whom it does. What was begun before has a while to end.
    func use(_ configuration: ClientConfiguration) async throws {
        let new = try Self.client(configuration)
        let old = client.withLock { client in
            defer { client = new }
            return client
        }
        try? await Task.sleep(for: .nanoseconds(Self.timeout.nanoseconds))
        try? await old.shutdown()
    }

    func send(_ method: String, _ path: String, headers: Headers, body: [UInt8]) async throws -> [UInt8] {
        try await translating(method, path) {
            for attempt in 1... {
                let response = try await http.execute(try request(method, path, headers, body), timeout: Self.timeout)
                let bytes = try await Self.collect(response)
                if (200..<300).contains(response.status.code) { return bytes }
                let isLast = attempt == Self.tries
                guard !isLast, response.status.code == 429 || response.status.code >= 500,
                    let seconds = response.headers.first(name: "Retry-After").flatMap(Int.init)
                else {
                    throw Self.failure(response, bytes)
                }
                try await Task.sleep(for: .seconds(min(max(seconds, 1), 60)))
            }
            throw CancellationError()
        }
    }

    func stream(_ path: String, headers: Headers) async throws -> Pieces {
        try await translating("GET", path) {
            let response = try await http.execute(try request("GET", path, headers, []), deadline: .distantFuture)
            guard (200..<300).contains(response.status.code) else { throw Self.failure(response, try await Self.collect(response)) }
            return response.body
        }
    }

    private func request(_ method: String, _ path: String, _ headers: Headers, _ body: [UInt8]) throws -> HTTPClientRequest {
        var request = HTTPClientRequest(url: server + path)
        request.method = HTTPMethod(rawValue: method)
        request.headers = HTTPHeaders(headers)
        request.headers.add(name: "User-Agent", value: userAgent)
        if let token = try token.current() { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if !body.isEmpty { request.body = .bytes(ByteBuffer(bytes: body)) }
        return request
    }

    private func translating<T>(_ method: String, _ path: String, _ body: () async throws -> T) async throws -> T {
        do {
            return try await body()
        } catch let error as APIError {
            throw error
        } catch {
            if Task.isCancelled || error is CancellationError { throw CancellationError() }
            throw APIError(code: 503, reason: .serviceUnavailable, message: "\(method) \(server)\(path): \(error)")
        }
    }

    private static func collect(_ response: HTTPClientResponse) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        for try await part in response.body { bytes += part.readableBytesView }
        return bytes
    }

    private static func failure(_ response: HTTPClientResponse, _ body: [UInt8]) -> APIError {
        APIError(answer: body, code: Int(response.status.code), phrase: response.status.reasonPhrase)
    }

    private static func tls(_ configuration: ClientConfiguration) throws(ClientConfiguration.Problem) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            if !configuration.certificateAuthority.isEmpty {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(configuration.certificateAuthority))
            }
            if !configuration.clientCertificate.isEmpty {
                tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(configuration.clientCertificate).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: configuration.clientKey, format: .pem))
            }
        } catch {
            throw ClientConfiguration.Problem(message: "a certificate or key for \(configuration.server) is not PEM: \(error)")
        }
        if configuration.serverVerification == .none { tls.certificateVerification = .none }
        return tls
    }
}

/// The bearer token, from a file that is read again each minute where it is one.
private final class TokenSource: Sendable {
    private let credential: ClientConfiguration.Credential
    private let cached = Mutex<(token: String, read: ContinuousClock.Instant)?>(nil)

    init(_ credential: ClientConfiguration.Credential) { self.credential = credential }

    func current() throws -> String? {
        switch credential {
        case .none: return nil
        case .token(let token): return token
        case .tokenFile(let path):
            return try cached.withLock { cached in
                if let cached, ContinuousClock.now - cached.read < .seconds(60) { return cached.token }
                let token = String(
                    String(decoding: try ClientConfiguration.content(of: path), as: UTF8.self).drop(while: \.isWhitespace).prefix {
                        !$0.isWhitespace
                    })
                cached = (token, .now)
                return token
            }
        }
    }
}
