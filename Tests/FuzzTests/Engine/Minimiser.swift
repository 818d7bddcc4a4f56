/// Leaves out of an input what need not be there.
enum Minimiser {
    /// Takes away ever smaller stretches for as long as what is left still does it, and asks at most `tries` times.
    ///
    /// - Parameter firstFailing: the first of some inputs that does it.
    static func minimise(_ pieces: [[UInt8]], tries: Int, firstFailing: ([[UInt8]]) async throws -> Int?) async rethrows -> [UInt8] {
        var pieces = pieces
        var left = tries
        var length = max(1, pieces.count / 2)
        while !pieces.isEmpty, left > 0 {
            var start = 0
            var hasShrunk = false
            while start < pieces.count, left > 0 {
                // Enough of them at once that a process is worth its start.
                let starts = Array(stride(from: start, to: pieces.count, by: length).prefix(200))
                left -= 1
                if let failing = try await firstFailing(starts.map { without($0, length, pieces) }) {
                    start = starts[failing]
                    pieces.removeSubrange(start..<min(pieces.count, start + length))
                    hasShrunk = true
                } else {
                    start += length * starts.count
                }
            }
            if length == 1, !hasShrunk { break }
            length = max(1, length / 2)
        }
        return Array(pieces.joined())
    }

    private static func without(_ start: Int, _ length: Int, _ pieces: [[UInt8]]) -> [UInt8] {
        Array(pieces[..<start].joined()) + Array(pieces[min(pieces.count, start + length)...].joined())
    }
}
