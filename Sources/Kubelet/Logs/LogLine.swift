import APIModel

/// One line of a container's log as CRI writes it: `2026-01-02T03:04:05.123456789Z stdout F text`.
struct LogLine: Equatable {
    enum Stream: Equatable { case stdout, stderr }

    var timestamp: ArraySlice<UInt8>
    var stream: Stream
    /// With the line's end, unless this is a piece of a line that goes on in the next.
    var message: [UInt8]
    var isPartial: Bool

    /// `nil` when the text is none, which a log file that was cut off may end in.
    init?(_ text: ArraySlice<UInt8>) {
        let space = UInt8(ascii: " ")
        guard let first = text.firstIndex(of: space) else { return nil }
        let afterTime = text[(first + 1)...]
        guard let second = afterTime.firstIndex(of: space) else { return nil }
        switch Array(afterTime[..<second]) {
        case Array("stdout".utf8): stream = .stdout
        case Array("stderr".utf8): stream = .stderr
        default: return nil
        }
        let afterStream = afterTime[(second + 1)...]
        guard let third = afterStream.firstIndex(of: space) else { return nil }
        timestamp = text[..<first]
        // Tags may be many, joined by colons; the first says whether the line is whole.
        isPartial = afterStream[..<third].first == UInt8(ascii: "P")
        message = Array(afterStream[(third + 1)...])
        if message.last == UInt8(ascii: "\n") && isPartial { message.removeLast() }
    }

    /// The time in nanoseconds since 1970, 0 when it cannot be read.
    var nanoseconds: Whole { LogTime.parse(String(decoding: timestamp, as: UTF8.self)) ?? 0 }
}
