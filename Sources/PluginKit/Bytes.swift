internal import APIModel
public import PluginAPI

extension apus_borrowed {
    /// A copy of the bytes.
    public var array: [UInt8] { Array(UnsafeBufferPointer(start: bytes, count: Int(count))) }

    /// A copy of the bytes as text; what is not UTF-8 is repaired.
    public var string: String { String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self) }
}

extension UnsafePointer<apus_sink> {
    /// Hands `bytes` over.
    public func write(_ bytes: [UInt8]) { bytes.withBorrowed { pointee.write(pointee.context, $0) } }
    public func write(_ text: String) { text.withBorrowed { pointee.write(pointee.context, $0) } }
}

extension [UInt8] {
    /// Lends the bytes for the duration of `body`.
    public func withBorrowed<R>(_ body: (apus_borrowed) throws -> R) rethrows -> R {
        try withUnsafeBufferPointer { try body(apus_borrowed(bytes: $0.baseAddress, count: UInt64($0.count))) }
    }
}

extension String {
    /// Lends the text's UTF-8 for the duration of `body`.
    public func withBorrowed<R>(_ body: (apus_borrowed) throws -> R) rethrows -> R {
        var text = self
        return try text.withUTF8 { try body(apus_borrowed(bytes: $0.baseAddress, count: UInt64($0.count))) }
    }
}

/// Collects what the host writes into a sink.
final class Collector {
    var bytes: [UInt8] = []

    /// Runs `body` with a sink that writes here.
    func collect<R>(_ body: (UnsafePointer<apus_sink>) throws -> R) rethrows -> R {
        var sink = apus_sink(size: UInt32(MemoryLayout<apus_sink>.size), context: Unmanaged.passUnretained(self).toOpaque()) {
            context, piece in
            instance(context, as: Collector.self).bytes.append(contentsOf: UnsafeBufferPointer(start: piece.bytes, count: Int(piece.count)))
        }
        return try withExtendedLifetime(self) { try body(&sink) }
    }
}

/// Objects come from the API as JSON; the empty piece stands for "none".
func decode(_ object: apus_borrowed) -> Value { object.count == 0 ? .null : (try? JSON.decode(object.array)) ?? .null }
