import APIModel
import HTTPServer
import HTTPTypes
import NIOCore
import OrderedCollections
import Store
import Streaming
import Synchronization

/// The subresources that are conversations with somebody else: `exec`, `attach`, `portforward` and `log` with the pod's kubelet, `proxy`
/// with whatever it names.
struct Connector: Sendable {
    let registry: Registry
    let kubelet: ChangingTLS
    let backends: Backends
    let body: BodyReader

    private static let subresources: [String: Set<String>] = [
        "/pods": ["exec", "attach", "portforward", "log", "proxy"], "/services": ["proxy"], "/nodes": ["proxy"],
    ]

    /// Whether the request is a conversation with somebody else: its body is not read here, nor is what it accepts negotiated.
    static func takesOver(_ target: Target) -> Bool { subresources[target.storage.collection]?.contains(target.subresource) ?? false }
    private static let hopByHop: Set = [
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade",
        "content-length", "host",
    ]
    /// Credentials are for this server, not for those behind it.
    private static let secrets: Set = ["authorization", "cookie"]

    var handlers: Handlers.Table {
        let answers: [(String, String, @Sendable (Request, RequestInfo) async throws -> Response)] = [
            ("/pods", "proxy", { try await proxy($0, $1, to: try backends.pod($1.name, namespace: $1.namespace)) }),
            ("/services", "proxy", { try await proxy($0, $1, to: try backends.service($1.name, namespace: $1.namespace)) }),
            ("/nodes", "proxy", { try await proxy($0, $1, to: try backends.node($1.name)) }),
            ("/pods", "log", { try await logs($0, $1) }),
            ("/pods", "exec", { try await stream($0, $1) }), ("/pods", "attach", { try await stream($0, $1) }),
            ("/pods", "portforward", { try await stream($0, $1) }),
        ]
        var table: Handlers.Table = [:]
        for (collection, subresource, answer) in answers {
            for verb in [Verb.get, .create, .update, .patch, .delete] {
                table[.init(collection, subresource, verb)] = { call in try await Self.connect(call, answer) }
            }
        }
        return table
    }

    /// What runs something in a pod, or reaches into it.
    private static let streams: Set = ["exec", "attach", "portforward"]

    /// Asks the admission chain whether the connection may be made; reading a log is no connection. A stream needs the right to create it
    /// however it comes: over a WebSocket it is a GET, which many may who should only look.
    private static func connect(
        _ call: Call, _ answer: @Sendable (Request, RequestInfo) async throws -> Response
    ) async throws -> Answer {
        guard case .connection(let request, let info) = call.input else { throw APIError.unknownResource }
        if streams.contains(call.target.subresource), call.verb != .create {
            try await call.context.authorize(.create, call.target)
        }
        if call.target.subresource == "log" { return Answer(.response(try await answer(request, info))) }
        var options = ConnectOptions.value(call.target, request, info)
        let admission = AdmissionRequest(operation: .connect, target: call.target, context: call.context)
        try await call.target.storage.admission.admit(&options, admission)
        return try await call.target.storage.admission.validate(options, admission) {
            (Answer(.response(try await answer(request, info))), .committed)
        }
    }

    // MARK: Kubelet

    private func pod(_ info: RequestInfo) throws -> Value {
        guard let record = registry.store.get(RecordKey(collection: "/pods", name: "\(info.namespace)/\(info.name)")) else {
            throw APIError.notFound("pods", info.name)
        }
        return record.object.value
    }

    private func kubelet(of pod: Value, _ info: RequestInfo) throws -> BackendAddress {
        let node = pod[path: "spec", "nodeName"].string ?? ""
        guard !node.isEmpty else { throw APIError.badRequest("pod \(info.name) does not have a host assigned") }
        return try backends.kubelet(node)
    }

    /// The container that is meant: the one named, or the only one, or the one that an annotation makes the default.
    private func container(_ request: Request, of pod: Value, _ info: RequestInfo) throws -> String {
        let spec = pod["spec"]
        let all = ["containers", "initContainers", "ephemeralContainers"].flatMap { spec[$0].elements.compactMap { $0["name"].string } }
        if let name = request.query("container"), !name.isEmpty {
            guard all.contains(name) else { throw APIError.badRequest("container \(name) is not valid for pod \(info.name)") }
            return name
        }
        let main = spec["containers"].elements.compactMap { $0["name"].string }
        if main.count == 1 { return main[0] }
        if let preferred = pod[path: "metadata", "annotations"]["kubectl.kubernetes.io/default-container"].string, all.contains(preferred) {
            return preferred
        }
        throw APIError.badRequest(
            "a container name must be specified for pod \(info.name), choose one of: [\(main.joined(separator: " "))]")
    }

    private static let streamParameters: [String: [(api: String, kubelet: String)]] = [
        "exec": [("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty")],
        "attach": [("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty")],
    ]

    private func stream(_ request: Request, _ info: RequestInfo) async throws -> Response {
        let pod = try pod(info)
        var query: [(String, String)] = []
        var path: String
        if info.subresource == "portforward" {
            path = "/portForward/\(info.namespace)/\(info.name)"
            query = request.query.filter { $0.name == "ports" || $0.name == "port" }.map { ($0.name, $0.value) }
        } else {
            let container = try container(request, of: pod, info)
            if let phase = pod[path: "status", "phase"].string, phase == "Succeeded" || phase == "Failed" {
                throw APIError.badRequest("cannot exec into a container in a completed pod; current phase is \(phase)")
            }
            path = "/\(info.subresource)/\(info.namespace)/\(info.name)/\(container)"
            for (api, kubelet) in Self.streamParameters[info.subresource] ?? [] {
                if request.query(api).map(QueryFlag.isSet) ?? false { query.append((kubelet, "1")) }
            }
            query += request.query.filter { $0.name == "command" }.map { ("command", $0.value) }
        }
        guard request.header(.upgrade) != nil else { throw APIError.badRequest("Upgrade request required") }
        return try await exchange(
            request, method: request.method.rawValue, target: Self.target(Self.encode(path, keeping: "/"), query),
            to: try kubelet(of: pod, info), body: [])
    }

    private static let logParameters: Set = [
        "follow", "previous", "tailLines", "sinceSeconds", "sinceTime", "timestamps", "limitBytes", "stream",
    ]

    private func logs(_ request: Request, _ info: RequestInfo) async throws -> Response {
        let pod = try pod(info)
        let container = try container(request, of: pod, info)
        // Nobody has written anything yet.
        if pod[path: "spec", "nodeName"].isEmpty { return .full(status: .noContent, headers: [:], body: []) }
        let query = request.query.filter { Self.logParameters.contains($0.name) }.map { ($0.name, $0.value) }
        let target = Self.target(
            Self.encode("/containerLogs/\(info.namespace)/\(info.name)/\(container)", keeping: "/"), query)
        let socket = try LogSocket(request)
        var asked = request
        asked.headers[.upgrade] = nil
        let answer = try await exchange(asked, method: "GET", target: target, to: try kubelet(of: pod, info), body: [])
        guard case .stream(let status, _, let write) = answer else { return answer }
        if status.kind != .successful { throw await Self.refusal(status, write, name: info.name) }
        return socket?.response(write) ?? answer
    }

    /// What the kubelet has to say becomes a `Status`. Upstream: `GenericHttpResponseChecker`.
    private static func refusal(
        _ status: HTTPResponse.Status, _ write: @Sendable (BodyWriter) async throws -> Void, name: String
    ) async -> APIError {
        let said = Mutex<[UInt8]>([])
        try? await write(
            BodyWriter { piece in
                said.withLock { $0 += piece.readableBytesView.prefix(longestRefusal - $0.count) }
            })
        let text = said.withLock { String(decoding: $0, as: UTF8.self) }
        switch status.code {
        case 400: return .badRequest(text)
        case 404:
            return APIError(code: 404, reason: .notFound, message: "the server could not find the requested resource (get pods \(name))")
        case 500: return .internalError(text)
        default: return APIError(code: status.code, reason: .unknown, message: text)
        }
    }

    private static let longestRefusal = 10_000

    // MARK: Proxy

    private func proxy(_ request: Request, _ info: RequestInfo, to backend: BackendAddress) async throws -> Response {
        // Relative links of a page at the root would lead beside the proxy.
        if info.rest.isEmpty, !request.path.hasSuffix("/"), request.method == .get || request.method == .head,
            request.header(.upgrade) == nil
        {
            var headers = HTTPFields()
            headers[.location] = Self.target(request.path + "/", request.query.map { ($0.name, $0.value) })
            return .full(status: .movedPermanently, headers: headers, body: [])
        }
        let body = try await body.bytes(request)
        let target = Self.target(Self.encode("/" + info.rest, keeping: "/%!$&'()*+,;=:@"), request.query.map { ($0.name, $0.value) })
        let answer = try await exchange(request, method: request.method.rawValue, target: target, to: backend, body: body)
        return Self.leadingBack(answer, request, info, host: backend.authority)
    }

    /// The answer with its links leading through the proxy: those of a page, and where it redirects to.
    private static func leadingBack(_ answer: Response, _ request: Request, _ info: RequestInfo, host: String) -> Response {
        guard case .stream(let status, var headers, let write) = answer else { return answer }
        let path = request.path.dropLast(info.rest.utf8.count)
        let rewriter = LinkRewriter(prefix: String(path.hasSuffix("/") ? path.dropLast() : path), host: host)
        if let location = headers[.location] { headers[.location] = rewriter.rewritten(location) }
        guard MediaType(headers[.contentType] ?? "").type == "text/html", headers[.contentEncoding] == nil else {
            return .stream(status: status, headers: headers, write: write)
        }
        return .stream(status: status, headers: headers) { writer in
            let page = Mutex(rewriter)
            try await write(
                BodyWriter(
                    write: { piece in
                        let ready = page.withLock { $0.take(piece.readableBytesView) }
                        if !ready.isEmpty { try await writer.write(ready) }
                    }, allowPauses: writer.allowPauses))
            let rest = page.withLock { $0.end() }
            if !rest.isEmpty { try await writer.write(rest) }
        }
    }

    /// Sends the request on and gives the answer back: an upgrade as one, anything else as a stream.
    /// - Parameter headers: what the backend is told beside what the client said.
    func exchange(
        _ request: Request, method: String, target: String, to backend: BackendAddress, headers: [(name: String, value: String)] = [],
        body: [UInt8]
    ) async throws -> Response {
        let forwarded = HTTP1Request(
            method: method, target: target, host: backend.authority, headers: Self.forwarded(request) + headers, body: body)
        let answer = try await send(forwarded, to: backend)
        if answer.status == 101 {
            let headers = Self.fields(answer.headers) { $0 != "connection" }
            return .upgrade(headers: headers) { client in try await Self.splice(client, answer.pipe) }
        }
        return .stream(status: .init(code: answer.status), headers: Self.fields(answer.headers) { !Self.hopByHop.contains($0) }) { writer in
            writer.allowPauses()
            do {
                while let piece = try await answer.read() { try await writer.write(piece) }
            } catch {
                await answer.pipe.close()
                throw error
            }
            await answer.pipe.close()
        }
    }

    /// Sends a request over a connection of its own, which whoever reads the answer closes.
    func send(_ request: HTTP1Request, to backend: BackendAddress) async throws -> HTTP1Response {
        let connection: any RawConnection
        do {
            connection = try await Dialer.connect(host: backend.host, port: backend.port, tls: tls(backend)) { [backends] address in
                backend.mayBeLocal || backends.isReachable(address)
            }
        } catch {
            throw APIError.internalError("error dialing backend: \(error)")
        }
        do {
            return try await request.send(over: connection)
        } catch {
            await connection.close()
            throw APIError(code: 502, reason: .unknown, message: "error from \(backend.authority): \(error)")
        }
    }

    private func tls(_ backend: BackendAddress) -> Dialer.TLS? {
        switch backend.trust {
        case .plain: nil
        case .given(let tls): tls
        case .kubelet: kubelet.current
        case .unverified: Dialer.TLS(trustsAnyone: true)
        }
    }

    /// Joins two connections until one side ends; both protocols that are spoken here say goodbye in their own words before.
    private static func splice(_ client: any RawConnection, _ backend: any BytePipe) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { while let piece = try await client.read() { try await backend.write(piece) } }
            group.addTask { while let piece = try await backend.read() { try await client.write(piece) } }
            let end = await group.nextResult()
            await backend.close()
            await client.close()
            group.cancelAll()
            try end?.get()
        }
    }

    private static func fields(_ headers: [(name: String, value: String)], where isWanted: (String) -> Bool) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in headers where isWanted(name.lowercased()) {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return fields
    }

    /// The client's headers as the backend gets them.
    private static func forwarded(_ request: Request) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for field in request.headers {
            let name = field.name.canonicalName
            if hopByHop.contains(name) || secrets.contains(name) || name.hasPrefix("impersonate-") || name.hasPrefix("x-remote-") {
                continue
            }
            headers.append((field.name.rawName, field.value))
        }
        if let port = request.remoteAddress.lastIndex(of: ":") {
            headers.append(("X-Forwarded-For", String(request.remoteAddress[..<port])))
        }
        guard let upgrade = request.header(.upgrade) else { return headers + [("Connection", "close")] }
        return headers + [("Connection", "Upgrade"), ("Upgrade", upgrade)]
    }

    // MARK: URLs

    /// - Parameter path: percent-encoded.
    static func target(_ path: String, _ query: [(String, String)]) -> String {
        guard !query.isEmpty else { return path }
        return path + "?" + query.map { "\(encode($0.0, keeping: ""))=\(encode($0.1, keeping: ""))" }.joined(separator: "&")
    }

    static func encode(_ text: String, keeping: String) -> String {
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8).union(keeping.utf8)
        var encoded: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            if allowed.contains(byte) {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
