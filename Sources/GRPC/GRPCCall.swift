internal import NIOCore
internal import NIOHPACK
internal import Synchronization

/// A call as it is to be made: its method, its one request and who takes the answers.
final class GRPCCall: Sendable {
    let method: String
    let request: [UInt8]
    let timeout: Duration?
    private let authority: String
    private let userAgent: String?
    let receive: @Sendable ([UInt8]) -> Void

    private enum State {
        case waiting
        case running(any Channel)
        case cancelled
    }
    private let state = Mutex(State.waiting)

    init(
        method: String, request: [UInt8], timeout: Duration?, authority: String, userAgent: String?,
        _ receive: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.method = method
        self.request = request
        self.timeout = timeout
        self.authority = authority
        self.userAgent = userAgent
        self.receive = receive
    }

    /// Gives the call up; also before it has begun.
    func cancel() {
        let channel = state.withLock { state -> (any Channel)? in
            defer { state = .cancelled }
            if case .running(let channel) = state { return channel }
            return nil
        }
        channel?.close(promise: nil)
    }

    /// False when the call was given up before it began.
    func begin(on channel: any Channel) -> Bool {
        state.withLock { state in
            if case .cancelled = state { return false }
            state = .running(channel)
            return true
        }
    }

    var headers: HPACKHeaders {
        var headers: HPACKHeaders = [
            ":method": "POST", ":scheme": "http", ":path": "/" + method, ":authority": authority, "content-type": "application/grpc",
            "te": "trailers",
        ]
        if let userAgent { headers.add(name: "user-agent", value: userAgent) }
        if let timeout { headers.add(name: "grpc-timeout", value: Self.text(timeout)) }
        return headers
    }

    /// gRPC takes eight digits and a unit.
    private static func text(_ timeout: Duration) -> String {
        let parts = timeout.components
        let milliseconds = max(parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000, 1)
        return milliseconds < 100_000_000 ? "\(milliseconds)m" : "\(min(parts.seconds, 99_999_999))S"
    }
}
