import APIModel
import OrderedCollections

/// Runs the actions of probes and hooks: a command in the container, an HTTP request, a TCP connection, a question by gRPC.
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
        if !action["exec"].isNull { return await exec(action[path: "exec", "command"].elements.compactMap(\.string), id, timeout) }
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
            let (code, output) = try await cri.exec(id, command, timeout: timeout)
            return code == 0 ? .success : .failure(String(decoding: output.utf8.prefix(10 << 10), as: UTF8.self))
        } catch {
            // A command that takes too long has given its answer.
            if error.code == "DeadlineExceeded" && timeout > 0 {
                return .failure("command timed out: \"\(command.joined(separator: " "))\" timed out after \(timeout)s")
            }
            return .error(error.description)
        }
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
        guard let port = Self.port(action["port"], of: container) else {
            return .error("invalid port number: \(action["port"].string ?? "0")")
        }
        let host = action["host"].string.flatMap { $0.isEmpty ? nil : $0 } ?? host
        let isTLS = action["scheme"].string?.uppercased() == "HTTPS"
        var path = action["path"].string.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
        if !path.hasPrefix("/") { path = "/" + path }
        let authority = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        // Upstream follows ten redirects, as long as they stay on the host.
        for _ in 0..<10 {
            let request = HTTPRequest(
                path: path, authority: authority, headers: action["httpHeaders"].elements, userAgent: userAgent)
            let url = "\(isTLS ? "https" : "http")://\(authority)\(HTTPRequest.target(path))"
            do {
                let request = try request.text()
                let answer = String(
                    decoding: try await Connection.exchange(host, port, tls: isTLS, request, limit: 10 << 10, timeout: .seconds(timeout)),
                    as: UTF8.self)
                guard let status = Self.status(answer) else { return .failure("Get \"\(url)\": malformed HTTP response") }
                if (300..<400).contains(status), let next = Self.redirect(answer, authority) {
                    path = next
                    continue
                }
                switch status {
                case 200..<300: return .success
                case 300..<400: return .warning("Probe terminated redirects, Response body: \(Self.body(answer))")
                default: return .failure("HTTP probe failed with statuscode: \(status)")
                }
            } catch {
                return .failure("Get \"\(url)\": \(error)")
            }
        }
        return .failure("stopped after 10 redirects")
    }

    static func status(_ answer: String) -> Int? {
        let words = answer.prefix { $0 != "\r\n" && $0 != "\n" }.split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[0].hasPrefix("HTTP/") else { return nil }
        return Int(words[1])
    }

    private static func body(_ answer: String) -> Substring {
        let bytes = answer.utf8
        guard let end = bytes.firstRange(of: "\r\n\r\n".utf8)?.upperBound else { return "" }
        return answer[end...]
    }

    /// Where a redirect leads on the same host, `nil` for anywhere else, which counts as success.
    static func redirect(_ answer: String, _ authority: String) -> String? {
        for line in answer.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\r\n" || $0 == "\n" }).dropFirst() {
            if line.isEmpty { return nil }
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "location" else { continue }
            let target = parts[1].drop { $0 == " " }
            if target.hasPrefix("/") { return String(target) }
            for scheme in ["http://", "https://"] where target.hasPrefix(scheme + authority) {
                let path = target.dropFirst(scheme.count + authority.count)
                return path.isEmpty ? "/" : String(path)
            }
            return nil
        }
        return nil
    }
}
