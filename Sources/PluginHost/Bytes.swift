internal import PluginAPI

extension apus_borrowed {
    /// The bytes where they are. A null pointer is no bytes, whatever the count says.
    var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: bytes, count: bytes == nil ? 0 : Int(count)) }
    /// A copy of the bytes.
    var array: [UInt8] { Array(buffer) }
    /// A copy of the bytes as text; what is not UTF-8 is repaired.
    var string: String { String(decoding: buffer, as: UTF8.self) }
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
