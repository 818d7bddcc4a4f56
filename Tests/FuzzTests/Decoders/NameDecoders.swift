import APIModel

@testable import DNS

/// What the name server hears: of its clients, of other servers, of an operator.
enum NameDecoders {
    static let all = [query, answer, configMap]

    private static let names = [
        "web.default.svc.cluster.local", "_http._tcp.web.default.svc.cluster.local", "alias.default.svc.cluster.local",
        "1.0.96.10.in-addr.arpa", "www.example.com", "none.default.svc.cluster.local", "",
    ]

    private static func words(_ words: UInt16...) -> [UInt8] { words.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }

    private static func encoded(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }

    /// With EDNS.
    private static func question(_ name: String, _ type: UInt16) -> [UInt8] {
        words(7, 0x0100, 1, 0, 0, 1) + encoded(name) + words(type, 1) + [0] + words(41, 1232, 0, 0, 0)
    }

    private static let zone: Zone? = {
        guard let apex = Name("cluster.local") else { return nil }
        var objects = ClusterObjects(apex: apex)
        let specs: [(String, Value)] = [
            ("web", ["clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1", "fd00::1"], "ports": [["name": "http", "port": 80]]]),
            ("alias", ["type": "ExternalName", "externalName": "www.example.com"]),
            ("circle", ["type": "ExternalName", "externalName": "circle.default.svc.cluster.local"]),
        ]
        for (name, spec) in specs {
            let service: Value = ["metadata": ["name": .string(name), "namespace": "default"], "spec": spec]
            objects.change(.services, before: nil, after: Object(service))
        }
        return objects.zone
    }()

    private static let types: [UInt16] = [1, 28, 33, 12, 255, 252, 16]

    private static let query = Decoder("dns-query", seeds: names.flatMap { name in types.map { question(name, $0) } }) { input in
        [true, false].map { isDatagram in
            let reply = reply(to: input, with: nil, isDatagram: isDatagram)
            // Whoever forges a client's address has no more sent to him than one datagram holds.
            precondition(!isDatagram || reply.count <= Query.largestSize, "an answer of \(reply.count) bytes in a datagram")
            return outcome(of: reply)
        }.joined(separator: " ")
    }

    /// What another server says, and what a client is told of it.
    private static let answer = Decoder("dns-answer", seeds: answers) { input in
        guard let message = Message(decoding: input) else { return "no message" }
        let reply = reply(to: question("www.example.com", 1), with: Answer(message), isDatagram: input.count % 2 == 0)
        return "\(message.answers.count) \(message.isTruncated) \(outcome(of: reply))"
    }

    private static let answers: [[UInt8]] = {
        let head = words(7, 0x8180, 1, 2, 1, 0) + encoded("www.example.com") + words(1, 1)
        // The second refers to names before it.
        let alias = words(0xc00c, 5, 1, 0, 60, 4) + [1, 97, 0xc0, 0x10]
        let address = words(0xc02d, 1, 1, 0, 60, 4) + [192, 0, 2, 1]
        let authority = words(0xc010, 6, 1, 0, 60, 22) + [0, 0] + [UInt8](repeating: 1, count: 20)
        return [head + alias + address + authority, words(7, 0x8183, 1, 0, 0, 0) + encoded("www.example.com") + words(1, 1)]
    }()

    private static let configMap = Decoder(
        "dns-configuration",
        seeds: [
            JSON.encode(["stubDomains": .string(#"{"acme.local": ["10.0.0.1", "[fd00::1]:53", "fe80::1%eth0"]}"#)]),
            JSON.encode(["upstreamNameservers": .string(#"["192.0.2.1", "192.0.2.2:5353"]"#)]),
        ], isJSON: true
    ) { input in
        let plan = try ForwardingPlan(["data": try JSON.decode(input)], resolvers: [])
        return "\(names.compactMap { Name($0) }.map { plan.servers(for: $0).count })"
    }

    /// As a worker replies, with `answer` for what others are asked; empty for what gets no reply.
    private static func reply(to input: [UInt8], with answer: Answer?, isDatagram: Bool) -> [UInt8] {
        var responder = Responder(zone: zone)
        return input.withUnsafeBytes { message in
            [UInt8](unsafeUninitializedCapacity: isDatagram ? Query.largestSize : Int(UInt16.max)) { bytes, count in
                let bytes = UnsafeMutableRawBufferPointer(bytes)
                switch responder.respond(to: message, into: bytes, isDatagram: isDatagram) {
                case .reply(let size): count = size
                case .nothing: count = 0
                case .elsewhere(let elsewhere):
                    var writer = Responder.writer(elsewhere.query, message, bytes, isDatagram: isDatagram)
                    count = Responder.finish(elsewhere, answer, age: 1, &writer)
                }
            }
        }
    }

    /// A reply is a message itself.
    private static func outcome(of reply: [UInt8]) -> String {
        if reply.isEmpty { return "nothing" }
        guard let message = Message(decoding: reply), message.isResponse else { preconditionFailure("a reply that is none: \(reply)") }
        return "\(message.code.rawValue) \(min(message.answers.count, 3)) \(message.isTruncated)"
    }
}
