@testable import DNS

/// Queries as clients write them, and answers as people read them.
enum DNSClient {
    /// - Parameter size: of the datagrams that the client takes; `nil` for one without EDNS.
    static func query(
        _ name: String, _ type: RecordType, id: UInt16 = 7, size: UInt16? = nil, version: UInt8 = 0, recordClass: UInt16 = 1
    ) -> [UInt8] {
        var bytes = words([id, 0x0100, 1, 0, 0, size == nil ? 0 : 1])
        for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + Array(label.utf8) }
        bytes += [0] + words([type.rawValue, recordClass])
        if let size { bytes += [0] + words([41, size]) + [0, version, 0, 0, 0, 0] }
        return bytes
    }

    static func words(_ words: [UInt16]) -> [UInt8] { words.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] } }

    /// `web.default.svc.cluster.local. 30 A 10.96.0.1`
    static func text(_ record: Record) -> String {
        let data = record.data
        func name(_ start: Int) -> String { Name(checked: Array(data.dropFirst(start))).description }
        func word(_ start: Int) -> Int { Int(data[start]) << 8 | Int(data[start + 1]) }
        let text =
            switch record.type {
            case .a: "A " + data.map { String($0) }.joined(separator: ".")
            case .aaaa: "AAAA " + stride(from: 0, to: 16, by: 2).map { String(word($0), radix: 16) }.joined(separator: ":")
            case .cname: "CNAME " + name(0)
            case .ptr: "PTR " + name(0)
            case .ns: "NS " + name(0)
            case .srv: "SRV \(word(0)) \(word(2)) \(word(4)) \(name(6))"
            case .txt: "TXT " + String(decoding: data.dropFirst(), as: UTF8.self)
            case .soa: "SOA"
            default: "TYPE\(record.type.rawValue)"
            }
        return "\(record.name) \(record.timeToLive) \(text)"
    }
}

extension Responder {
    /// The answer to a message, `nil` where there is none here.
    mutating func answer(_ message: [UInt8], isDatagram: Bool = true) -> [UInt8]? {
        var reply = [UInt8](repeating: 0, count: isDatagram ? Query.largestSize : 65535)
        let outcome = message.withUnsafeBytes { message in
            reply.withUnsafeMutableBytes { respond(to: message, into: $0, isDatagram: isDatagram) }
        }
        guard case .reply(let count) = outcome else { return nil }
        return Array(reply[..<count])
    }
}
