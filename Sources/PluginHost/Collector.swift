internal import PluginAPI

/// Collects what a plugin writes into a sink during one call. What goes over the limit is dropped, and makes the call a fault.
struct Collector {
    private(set) var bytes: [UInt8] = []
    private(set) var isOverLimit = false
    private let limit: Int

    init(limit: Int = Signatures.sentence) { self.limit = limit }

    /// As text for people.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    func textOr(_ fallback: String) -> String { bytes.isEmpty ? fallback : text }

    /// Runs `body` with a sink that writes here.
    mutating func collect<R>(_ body: (UnsafePointer<apus_sink>) throws -> R) rethrows -> R {
        try withUnsafeMutablePointer(to: &self) { collector in
            var sink = apus_sink(context: UnsafeMutableRawPointer(collector)) { context, piece in
                context.unsafelyUnwrapped.assumingMemoryBound(to: Collector.self).pointee.append(piece)
            }
            return try body(&sink)
        }
    }

    private mutating func append(_ piece: apus_borrowed) {
        guard piece.count <= UInt64(limit - bytes.count) else {
            isOverLimit = true
            return
        }
        bytes.append(contentsOf: piece.buffer)
    }

    /// What is wrong with what `slot` wrote; `nil` for nothing.
    func problem(_ slot: String) -> String? { isOverLimit ? "\(slot) wrote more than \(limit >> 10) KiB into a sink" : nil }
}
