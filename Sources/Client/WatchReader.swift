import APIModel
import NIOCore

/// Takes the answer to a watch apart: one JSON object a line, `{"type":"ADDED","object":{…}}`.
final class WatchReader: @unchecked Sendable {
    // One task at a time calls `next`, as `WatchStream` promises.
    private var parts: any AsyncIteratorProtocol<ByteBuffer, any Error>
    private var buffer = ByteBuffer()

    init(_ body: Carrier.Pieces) { parts = body.makeAsyncIterator() }

    /// - Throws: `APIError` when the server says ERROR. A connection that breaks ends the watch like a server that has had enough: the
    ///   caller watches on from where it was.
    func next() async throws -> WatchEvent? {
        while true {
            if let line = line() { return try Self.event(line) }
            do {
                guard var part = try await parts.next() else { return nil }
                buffer.discardReadBytes()
                buffer.writeBuffer(&part)
            } catch {
                try Task.checkCancellation()
                return nil
            }
        }
    }

    private func line() -> [UInt8]? {
        while let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
            let line = buffer.readBytes(length: end - buffer.readerIndex) ?? []
            buffer.moveReaderIndex(forwardBy: 1)
            if !line.isEmpty { return line }
        }
        return nil
    }

    private static func event(_ line: [UInt8]) throws -> WatchEvent {
        let envelope: Value
        do { envelope = try JSON.decode(line) } catch { throw APIError.internalError("the server's watch is not JSON: \(error)") }
        let type = envelope["type"].string ?? ""
        if type == "ERROR" { throw APIError(status: envelope["object"], code: 500) }
        guard let kind = WatchEvent.Kind(rawValue: type) else {
            throw APIError.internalError("unable to decode an event from the watch stream: unknown type \"\(type)\"")
        }
        return WatchEvent(kind: kind, object: object(line, type, envelope))
    }

    /// The object's bytes are in the line; they need not be made again from the decoded form.
    private static func object(_ line: [UInt8], _ type: String, _ envelope: Value) -> Object {
        let start = Array(#"{"type":"\#(type)","object":"#.utf8)
        guard line.starts(with: start), line.last == UInt8(ascii: "}") else { return Object(envelope["object"]) }
        return Object(bytes: Array(line[start.count..<line.count - 1]), value: envelope["object"])
    }
}
