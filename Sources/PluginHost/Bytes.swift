internal import PluginAPI

extension apus_borrowed {
    /// A copy of the bytes.
    var array: [UInt8] { Array(UnsafeBufferPointer(start: bytes, count: Int(count))) }
    /// A copy of the bytes as text; what is not UTF-8 is repaired.
    var string: String { String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self) }
}

extension [UInt8] {
    /// Lends the bytes for the duration of `body`.
    func withBorrowed<R>(_ body: (apus_borrowed) throws -> R) rethrows -> R {
        try withUnsafeBufferPointer { try body(apus_borrowed(bytes: $0.baseAddress, count: UInt64($0.count))) }
    }
}

extension String {
    /// Lends the text's UTF-8 for the duration of `body`.
    func withBorrowed<R>(_ body: (apus_borrowed) throws -> R) rethrows -> R {
        var text = self
        return try text.withUTF8 { try body(apus_borrowed(bytes: $0.baseAddress, count: UInt64($0.count))) }
    }
}

extension UnsafePointer<apus_sink> {
    func write(_ bytes: [UInt8]) { bytes.withBorrowed { pointee.write(pointee.context, $0) } }
}

/// Collects what a plugin writes into a sink. Used by one thread.
final class Collector {
    private(set) var bytes: [UInt8] = []
    /// As text for people.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Runs `body` with a sink that writes here.
    func collect<R>(_ body: (UnsafePointer<apus_sink>) throws -> R) rethrows -> R {
        var sink = apus_sink(context: Unmanaged.passUnretained(self).toOpaque()) { context, piece in
            let collector = Unmanaged<Collector>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
            collector.bytes.append(contentsOf: UnsafeBufferPointer(start: piece.bytes, count: Int(piece.count)))
        }
        return try withExtendedLifetime(self) { try body(&sink) }
    }
}
