import APIModel
import Client
import Testing

@testable import DNS

/// The form of messages: size, EDNS, compression, and what is no message.
@Suite struct MessageTests {
    /// A headless Service with `count` endpoints.
    private func responder(_ count: Int) throws -> Responder {
        var objects = ClusterObjects(apex: try #require(Name("cluster.local")))
        objects.change(.services, before: nil, after: Objects.service("many", ["clusterIP": "None"]))
        let endpoints = (0..<count).map { Objects.endpoint("10.0.\($0 / 256).\($0 % 256)") }
        objects.change(
            .endpointSlices, before: nil, after: Objects.slice("many-1", of: "many", endpoints, ports: [Objects.port("http", 80)]))
        return Responder(zone: objects.zone)
    }

    private func reply(_ responder: inout Responder, _ message: [UInt8], isDatagram: Bool = true) throws -> [UInt8] {
        let reply = responder.answer(message, isDatagram: isDatagram)
        return try #require(reply)
    }

    private static let many = "many.default.svc.cluster.local"

    /// How many addresses come back, and whether there are more.
    @Test(
        arguments: [
            (nil, true, 29, true), (100, true, 28, true), (512, true, 28, true), (1232, true, 73, true), (65535, true, 73, true),
            (nil, false, 100, false), (512, false, 100, false),
        ] as [(UInt16?, Bool, Int, Bool)])
    func size(_ size: UInt16?, _ isDatagram: Bool, _ count: Int, _ isTruncated: Bool) throws {
        var responder = try responder(100)
        let bytes = try reply(&responder, DNSClient.query(Self.many, .a, size: size), isDatagram: isDatagram)
        #expect(!isDatagram || bytes.count <= max(512, min(1232, Int(size ?? 0))))
        let message = try #require(Message(decoding: bytes))
        #expect(message.answers.count == count)
        #expect(message.isTruncated == isTruncated)
        #expect(message.additionals.map(\.type) == (size == nil ? [] : [.opt]))
    }

    /// The zone's name stands once, however many hosts there are; hosts of SRV records stand in full.
    @Test func compression() throws {
        var responder = try responder(3)
        let bytes = try reply(&responder, DNSClient.query("_http._tcp." + Self.many, .srv), isDatagram: false)
        func count(_ text: String) -> Int { bytes.indices.count { bytes[$0...].starts(with: Array(text.utf8)) } }
        #expect(count("cluster") == 4)
        #expect(count("10-0-0-1") == 1)
        let message = try #require(Message(decoding: bytes))
        #expect(
            message.additionals.map(DNSClient.text).sorted()
                == (0..<3).map { "10-0-0-\($0).many.default.svc.cluster.local. 30 A 10.0.0.\($0)" })
    }

    /// What the client spelled comes back as it spelled it: some look at that to tell forged answers.
    @Test func spelling() throws {
        var responder = try responder(1)
        let query = DNSClient.query("MaNy.default.svc.Cluster.local", .a)
        #expect(try reply(&responder, query)[12..<query.count].elementsEqual(query[12...]))
    }

    @Test(
        arguments: [
            (DNSClient.query(many, .a, size: 1232, version: 1), .badVersion), (DNSClient.query(many, .axfr), .refused),
            (DNSClient.query(many, .a, recordClass: 3), .refused), (DNSClient.query(many, .any), .noError),
            (DNSClient.words([9, 0x2800, 1, 0, 0, 0]), .notImplemented), (DNSClient.words([9, 0, 2, 0, 0, 0]), .formatError),
            (DNSClient.words([9, 0, 1, 0, 0, 0]), .formatError), (DNSClient.words([9, 0, 0, 0, 0, 0]), .formatError),
            // a name that refers to itself, to the header, and one that is cut off
            (DNSClient.words([9, 0, 1, 0, 0, 0]) + [0xc0, 12, 0, 1, 0, 1], .formatError),
            (DNSClient.words([9, 0, 1, 0, 0, 0]) + [0xc0, 4, 0, 1, 0, 1], .formatError),
            (DNSClient.words([9, 0, 1, 0, 0, 0]) + [9, 97], .formatError),
            (DNSClient.words([9, 0, 1, 0, 0, 0]) + [0x80, 0, 0, 1, 0, 1], .formatError),
            // 256 bytes of labels
            (DNSClient.query(String(repeating: "abc.", count: 64), .a), .formatError),
            // EDNS twice
            (
                DNSClient.query(many, .a).replacing([0, 0], at: 10, with: [0, 2]) + [0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0]
                    + [0, 0, 41, 4, 0, 0, 0, 0, 0, 0, 0], .formatError
            ),
        ] as [([UInt8], ResponseCode)])
    func refusals(_ query: [UInt8], _ code: ResponseCode) throws {
        var responder = try responder(2)
        let bytes = try reply(&responder, query)
        let message = try #require(Message(decoding: bytes))
        #expect(message.code == code)
        // Nobody gets more than he sent where he did not even ask properly.
        if code != .noError { #expect(bytes.count <= query.count) }
        #expect(bytes.count <= query.count + 40)
    }

    /// Answering what is no query could go on for ever.
    @Test(arguments: [[], [1, 2, 3], DNSClient.words([7, 0x8000, 1, 0, 0, 0]), DNSClient.words([7, 0, 1, 0, 0])] as [[UInt8]])
    func noise(_ bytes: [UInt8]) throws {
        var responder = try responder(1)
        #expect(responder.answer(bytes) == nil)
    }

    /// A message with records of the types that hold names, compressed as others do it.
    private static let foreign: [UInt8] =
        DNSClient.words([7, 0x8180, 1, 3, 1, 0]) + [1, 97, 1, 98, 0] + DNSClient.words([1, 1])  // a.b at 12
        + [0xc0, 12] + DNSClient.words([5, 1, 0, 60, 4]) + [1, 99, 0xc0, 14]  // CNAME c.b
        + [1, 99, 0xc0, 14] + DNSClient.words([15, 1, 0, 60, 4]) + [0, 10, 0xc0, 12]  // MX 10 a.b
        + [0xc0, 33] + DNSClient.words([99, 1, 0, 60, 3]) + [1, 2, 3]  // c.b, of a type nobody knows
        + [0xc0, 14] + DNSClient.words([6, 1, 0, 60, 24]) + [0xc0, 12, 0xc0, 14] + [UInt8](repeating: 1, count: 20)

    @Test func foreignMessages() throws {
        let message = try #require(Message(decoding: Self.foreign))
        #expect(message.answers.map(\.name.description) == ["a.b.", "c.b.", "c.b."])
        #expect(message.answers[0].data == [1, 99, 1, 98, 0])
        #expect(message.answers[1].data == [0, 10, 1, 97, 1, 98, 0])
        #expect(message.answers[2].data == [1, 2, 3])
        #expect(message.authorities[0].data.prefix(8) == [1, 97, 1, 98, 0, 1, 98, 0])
    }

    /// Of every message that is cut off, or has a byte that is another, some are messages and none is a trap.
    @Test func cutsAndFlips() throws {
        var responder = try responder(30)
        let samples = [
            Self.foreign, DNSClient.query(Self.many, .a, size: 1232),
            try reply(&responder, DNSClient.query("_http._tcp." + Self.many, .srv)),
        ]
        for sample in samples {
            for count in sample.indices {
                #expect(Message(decoding: Array(sample[..<count])) == nil)
                _ = responder.answer(Array(sample[..<count]))
            }
            for place in sample.indices {
                for byte in [0, 1, 12, 63, 64, 127, 128, 192, 255] as [UInt8] {
                    let changed = sample.replacing([sample[place]], at: place, with: [byte])
                    _ = Message(decoding: changed)
                    _ = responder.answer(changed)
                }
            }
        }
    }

    /// Names that go on in names that go on in names: an end, and no more than 255 bytes.
    @Test func namesThatGoOn() throws {
        var bytes = [63] + [UInt8](repeating: 97, count: 63) + [0]
        var places = [0]
        for _ in 0..<100 {
            places.append(bytes.count)
            bytes += [63] + [UInt8](repeating: 97, count: 63) + [0xc0, UInt8(truncatingIfNeeded: places[places.count - 2])]
            if bytes.count > 255 { break }
        }
        func length(_ place: Int) -> Int? {
            bytes.withUnsafeBytes { bytes in
                var reader = Reader(bytes)
                reader.position = place
                return try? reader.name().bytes.count
            }
        }
        #expect(places.map(length) == [65, 129, 193, nil])
    }
}

extension [UInt8] {
    /// `with` in place of `old` at `place`.
    func replacing(_ old: [UInt8], at place: Int, with new: [UInt8]) -> [UInt8] {
        Array(self[..<place]) + new + Array(self[(place + old.count)...])
    }
}
