import Synchronization

/// Puts the two streams of each forwarded connection together.
final class StreamPairs: Sendable {
    struct Pair: Sendable {
        var data: SPDYStream
        var errors: SPDYStream
        var port: Int
    }

    enum Addition {
        case whole(Pair)
        /// The other stream is still to come.
        case half
        /// No stream of a pair, or one there is already.
        case refused
    }

    private struct Waiting {
        var stream: SPDYStream
        var isData: Bool
    }

    private let waiting = Mutex<[String: Waiting]>([:])

    func add(_ stream: SPDYStream) -> Addition {
        guard let isData = ["data": true, "error": false][stream.header("streamtype") ?? ""],
            let port = stream.header("port").flatMap({ UInt16($0) }), port > 0
        else {
            return .refused
        }
        // Streams without an id are of a time when there was one connection at a time.
        let id = stream.header("requestid") ?? ""
        return waiting.withLock { waiting in
            guard let other = waiting[id] else {
                waiting[id] = Waiting(stream: stream, isData: isData)
                return .half
            }
            guard other.isData != isData else { return .refused }
            waiting[id] = nil
            return .whole(Pair(data: isData ? stream : other.stream, errors: isData ? other.stream : stream, port: Int(port)))
        }
    }

    /// Gives a stream up if it still waits.
    func remove(_ stream: SPDYStream) -> Bool {
        waiting.withLock { waiting in
            guard let id = waiting.first(where: { $0.value.stream === stream })?.key else { return false }
            waiting[id] = nil
            return true
        }
    }
}
