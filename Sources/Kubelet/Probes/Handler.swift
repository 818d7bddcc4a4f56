import APIModel
import OrderedCollections

/// Runs the actions of probes: a command in the container, an HTTP request, a TCP connection, a question by gRPC.
struct Handler: Sendable {
    let cri: CRI

    enum Outcome: Equatable, Sendable {
        case success
        /// It answered, and not as expected: as good as success, but told.
        case warning(String)
        /// It answered, and the answer is no.
        case failure(String)
        /// It could not be asked.
        case error(String)
    }

    /// - Parameter host: the address to use where the action names none.
    func run(_ action: Value, container: Value, id: String, host: String, timeout: Whole, userAgent: String) async -> Outcome {
        if !action["exec"].isNull {
            do { return await exec(try Self.command(action, of: container), id, timeout) } catch { return .error(error.message) }
        }
        if !action["httpGet"].isNull { return await http(action["httpGet"], container, host, timeout, userAgent) }
        if !action["tcpSocket"].isNull { return await tcp(action["tcpSocket"], container, host, timeout) }
        if let port = action[path: "grpc", "port"].int {
            return await GRPCHealth.check(
                host, Int(port), service: action[path: "grpc", "service"].string ?? "", timeout: timeout,
                userAgent: userAgent)
        }
        return .error("\(action.fields.keys.first ?? "probe") is not supported")
    }

    private func exec(_ command: [String], _ id: String, _ timeout: Whole) async -> Outcome {
        do {
            let answer = try await cri.exec(id, command, timeout: timeout)
            return answer.exitCode == 0 ? .success : .failure(String(decoding: answer.all.utf8.prefix(10 << 10), as: UTF8.self))
        } catch {
            // A command that takes too long has given its answer.
            if error.code == "DeadlineExceeded" && timeout > 0 {
                return .failure("command timed out: \"\(command.joined(separator: " "))\" timed out after \(timeout)s")
            }
            return .error(error.description)
        }
    }

    /// With what the container's own variables say, as far as they say it themselves. Upstream: `ExpandContainerCommandOnlyStatic`.
    private static func command(_ action: Value, of container: Value) throws(ConfigurationError) -> [String] {
        let variables = Dictionary(
            container["env"].elements.map { ($0.name, $0["value"].string ?? "") }, uniquingKeysWith: { $1 })
        var command: [String] = []
        for word in action[path: "exec", "command"].elements.compactMap(\.string) {
            command.append(try Expansion.expand(word) { variables[$0] })
        }
        return command
    }

    /// A number, or the name of one of the container's ports.
    static func port(_ value: Value, of container: Value) -> Int? {
        if let number = value.int { return (1...65535).contains(number) ? Int(number) : nil }
        guard let name = value.string else { return nil }
        if let port = container["ports"].elements.first(where: { $0.name == name })?["containerPort"].int { return Int(port) }
        return Int(name)
    }

    private func tcp(_ action: Value, _ container: Value, _ host: String, _ timeout: Whole) async -> Outcome {
        guard let port = Self.port(action["port"], of: container) else {
            return .error("invalid port number: \(action["port"].string ?? "0")")
        }
        do {
            try await Connection.dial(action["host"].string.flatMap { $0.isEmpty ? nil : $0 } ?? host, port, timeout: .seconds(timeout))
            return .success
        } catch {
            return .failure("\(error)")
        }
    }

    private func http(_ action: Value, _ container: Value, _ host: String, _ timeout: Whole, _ userAgent: String) async -> Outcome {
        do throws(HTTPFailure) {
            let answer = try await get(
                try Self.target(action, of: container, host), action["httpHeaders"].elements, timeout: timeout, userAgent: userAgent)
            switch answer.status {
            case 200..<300: return .success
            case 300..<400: return .warning("Probe terminated redirects, Response body: \(answer.body)")
            default: return .failure("HTTP probe failed with statuscode: \(answer.status)")
            }
        } catch {
            return error.isUnanswered ? .failure(error.description) : .error(error.description)
        }
    }

    // MARK: HTTP

    /// Why there is no answer.
    struct HTTPFailure: Error, CustomStringConvertible {
        let description: String
        /// It was asked, and not that it could not be.
        var isUnanswered = true
        /// The other side speaks, and not TLS.
        var isPlain = false
    }

    static func target(_ action: Value, of container: Value, _ host: String) throws(HTTPFailure) -> HTTPTarget {
        guard let port = port(action["port"], of: container) else {
            throw HTTPFailure(description: "invalid port number: \(action["port"].string ?? "0")", isUnanswered: false)
        }
        let path = action["path"].string ?? ""
        return HTTPTarget(
            isTLS: action["scheme"].string?.uppercased() == "HTTPS", host: action["host"].string.flatMap { $0.isEmpty ? nil : $0 } ?? host,
            port: port, path: path.hasPrefix("/") ? path : "/" + path)
    }

    /// The last answer, after those that send on to the same host.
    func get(_ target: HTTPTarget, _ headers: [Value], timeout: Whole, userAgent: String) async throws(HTTPFailure) -> (
        status: Int, body: Substring
    ) {
        var target = target
        // Upstream follows ten redirects.
        for _ in 0..<10 {
            let text: String
            do {
                let request = HTTPRequest(path: target.path, authority: target.authority, headers: headers, userAgent: userAgent)
                text = String(
                    decoding: try await Connection.exchange(
                        target.host, target.port, tls: target.isTLS, try request.text(), limit: 10 << 10, timeout: .seconds(timeout)),
                    as: UTF8.self)
            } catch {
                throw HTTPFailure(
                    description: "Get \"\(target.url)\": \(error)", isPlain: (error as? Connection.Failure)?.isPlain ?? false)
            }
            guard let status = HTTPAnswer.status(text) else {
                throw HTTPFailure(description: "Get \"\(target.url)\": malformed HTTP response")
            }
            guard let next = target.redirected(by: text) else { return (status, HTTPAnswer.body(text)) }
            target = next
        }
        throw HTTPFailure(description: "Get \"\(target.url)\": stopped after 10 redirects")
    }
}
