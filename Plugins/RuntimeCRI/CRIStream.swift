internal import APIModel
internal import Dispatch
internal import GRPC
internal import NIOCore
internal import PluginKit
internal import Streaming
internal import Synchronization

/// One exec, attach or port-forward: a connection to the place where the runtime serves it.
final class CRIStream: RuntimeStream {
    private let client: StreamingClient
    private let kind: StreamKind
    private let events: StreamEvents
    /// The host may block us in `data` while its reader is slow: never on a thread of the pool that tasks run on.
    private let queue = DispatchQueue(label: "apus.runtime-cri.stream")
    private let carrier = Mutex<Task<Void, Never>?>(nil)
    /// What came on the error channel: told when everything else has been.
    private let verdict = Mutex<[UInt8]>([])
    /// What an exec runs, for when nobody waits for its end any more.
    private let process = Mutex<ExecProcess?>(nil)
    private let wasLeft = Mutex(false)

    /// Asks the runtime for the stream, dials it and begins to carry. Blocks the calling thread.
    /// - Throws: `CRIError`.
    static func open(
        _ kind: StreamKind, _ request: [UInt8], over connection: GRPCConnection, _ beginnings: ExecBeginnings, _ events: StreamEvents
    ) throws -> CRIStream {
        let result: Result<CRIStream, any Error> = waiting {
            do {
                let wanted = StreamRequest(kind, request)
                let answer = try await connection.call("runtime.v1.RuntimeService/" + wanted.method, request, timeout: .seconds(30)).get()
                return .success(CRIStream(kind, try await wanted.dial(WireFields.string(1, in: answer)), events))
            } catch let error as CRIError {
                return .failure(error)
            } catch {
                return .failure(CRIError(code: "Unavailable", message: String(describing: error)))
            }
        }
        let stream = try result.get()
        stream.carrier.withLock {
            $0 = Task {
                if kind == .exec { await stream.carry(StreamRequest(kind, request), beginnings) } else { await stream.carry() }
            }
        }
        return stream
    }

    private init(_ kind: StreamKind, _ client: StreamingClient, _ events: StreamEvents) {
        self.kind = kind
        self.client = client
        self.events = events
    }

    /// Carries an exec, whose process ends with it.
    private func carry(_ exec: StreamRequest, _ beginnings: ExecBeginnings) async {
        let before = await beginnings.begin(in: exec.container)
        let search = Task {
            let found = await beginnings.find(exec.command, in: exec.container, since: before)
            process.withLock { $0 = found }
        }
        await carry()
        let isOver = verdict.withLock { !$0.isEmpty }
        // One that has only just begun is waited for.
        if isOver { search.cancel() }
        await search.value
        if !isOver && wasLeft.withLock({ $0 }) { process.withLock { $0 }?.end() }
    }

    private func carry() async {
        var reason = "the connection to the container runtime was lost"
        do {
            try await client.run { [self] channel, bytes in
                let piece = Array(bytes.readableBytesView)
                if channel == StreamChannel.error.rawValue {
                    verdict.withLock { $0 += piece }
                } else if let channel = StreamChannel(rawValue: channel) {
                    await tell(channel, piece)
                }
            }
        } catch {
            reason += ": \(error)"
        }
        let status = verdict.withLock { $0 }
        if !status.isEmpty {
            await tell(.error, status)
        } else if kind != .portForward {
            // An exec always ends with a Status. One port-forward in silence is one that went well.
            await tell(.error, JSON.encode(Self.failure(reason)))
        }
        await onQueue { [events] in events.ended() }
    }

    private static func failure(_ message: String) -> Value {
        [
            "kind": "Status", "apiVersion": "v1", "metadata": .emptyObject, "status": "Failure", "message": .string(message),
            "reason": "InternalError", "code": 500,
        ]
    }

    private func tell(_ channel: StreamChannel, _ bytes: [UInt8]) async { await onQueue { [events] in events.data(channel, bytes) } }

    private func onQueue(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            queue.async {
                work()
                continuation.resume()
            }
        }
    }

    func send(_ channel: StreamChannel, _ bytes: [UInt8]) throws {
        let failure: (any Error)? = waiting { [client] in
            do {
                try await client.send(channel.rawValue, ByteBuffer(bytes: bytes))
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw ComponentError.unavailable("the container takes no more: \(failure)") }
    }

    func close() {
        guard let task = carrier.withLock({ $0.take() }) else { return }
        wasLeft.withLock { $0 = true }
        client.close()
        task.cancel()
        waiting { await task.value }
    }
}
