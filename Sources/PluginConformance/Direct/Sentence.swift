internal import PluginAPI

/// What a slot answered.
struct Answer: Sendable, Equatable {
    var status: apus_status
    /// What it wrote into the sink.
    var bytes: [UInt8]
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// `INVALID ("config.x is not known")`, for people.
    var description: String { bytes.isEmpty ? statusName(status) + " without a sentence" : "\(statusName(status)) (\"\(text)\")" }
}

/// Collects what a plugin writes into a sink, on one thread.
final class Sentence {
    private var bytes: [UInt8] = []

    /// Runs `body` with a sink, and returns its status with what was written.
    static func collect(_ body: (UnsafePointer<apus_sink>) -> apus_status) -> Answer {
        let sentence = Sentence()
        var sink = apus_sink(size: UInt32(MemoryLayout<apus_sink>.size), context: Unmanaged.passUnretained(sentence).toOpaque()) {
            context, piece in
            let sentence = Unmanaged<Sentence>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue()
            sentence.bytes.append(contentsOf: UnsafeBufferPointer(start: piece.bytes, count: Int(piece.count)))
        }
        let status = withExtendedLifetime(sentence) { body(&sink) }
        return Answer(status: status, bytes: sentence.bytes)
    }
}

extension apus_borrowed {
    /// A copy as text; what is not UTF-8 is repaired.
    var string: String { String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self) }
}

extension [UInt8] {
    /// Lends the bytes for the duration of `body`.
    func withBorrowed<R>(_ body: (apus_borrowed) throws -> R) rethrows -> R {
        try withUnsafeBufferPointer { try body(apus_borrowed(bytes: $0.baseAddress, count: UInt64($0.count))) }
    }
}

/// A status for people.
func statusName(_ status: apus_status) -> String {
    statusNames.indices.contains(Int(status)) ? statusNames[Int(status)] : "\(status), which is no status"
}

/// Whether the ABI has such a status.
func isStatus(_ status: apus_status) -> Bool { statusNames.indices.contains(Int(status)) }

private let statusNames = [
    "OK", "FAULT", "UNSUPPORTED", "INVALID", "NOT_FOUND", "ALREADY_EXISTS", "CONFLICT", "FORBIDDEN", "CANCELLED", "UNAVAILABLE",
    "UNSCHEDULABLE", "UNRESOLVABLE", "RETRY", "DENIED", "WAIT",
]
