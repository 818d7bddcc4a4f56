internal import PluginAPI

/// What the callee writes into a sink, until the answer takes it to the caller. Used on the call's thread.
final class SinkCollector {
    private(set) var bytes: [UInt8] = []
    /// Whether more came than fits.
    private(set) var isFlooded = false
    private let limit: Int
    private let flooded: () -> Void

    /// - Parameter flooded: called when the first byte too many is written.
    init(limit: Int, flooded: @escaping () -> Void) {
        self.limit = limit
        self.flooded = flooded
    }

    /// Valid while the collector is.
    var sink: apus_sink {
        apus_sink(context: Unmanaged.passUnretained(self).toOpaque()) { context, piece in
            Unmanaged<SinkCollector>.fromOpaque(context.unsafelyUnwrapped).takeUnretainedValue().append(piece)
        }
    }

    private func append(_ piece: apus_borrowed) {
        guard !isFlooded, let start = piece.bytes else { return }
        guard piece.byteCount <= limit - bytes.count else {
            isFlooded = true
            bytes = []
            return flooded()
        }
        bytes.append(contentsOf: UnsafeBufferPointer(start: start, count: piece.byteCount))
    }
}
