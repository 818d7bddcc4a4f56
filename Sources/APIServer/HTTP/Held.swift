import HTTPServer
import Synchronization

/// Something that is taken until it is given back, or the last reference to this goes.
final class Held: Sendable {
    private let release: @Sendable () -> Void
    private let isTaken = Atomic(true)

    init(release: @escaping @Sendable () -> Void) { self.release = release }

    deinit { giveBack() }

    /// Once; after that, it does nothing.
    func giveBack() {
        if isTaken.exchange(false, ordering: .relaxed) { release() }
    }

    /// The response, which keeps it until it is out.
    func held(by response: Response) -> Response {
        switch response {
        case .full: return response
        case .stream(let status, let headers, let write):
            return .stream(status: status, headers: headers) { writer in
                defer { withExtendedLifetime(self) {} }
                try await write(writer)
            }
        case .upgrade(let headers, let run):
            return .upgrade(headers: headers) { connection in
                defer { withExtendedLifetime(self) {} }
                try await run(connection)
            }
        }
    }
}
