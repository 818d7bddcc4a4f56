internal import APIModel
internal import Dispatch
internal import GRPC
internal import NIOCore
internal import PluginKit

/// Lets one exec after another begin in each container, so that the process which comes is the one that was asked for.
actor ExecBeginnings {
    private let connection: GRPCConnection
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    /// How long a process is looked for, and from when on it may have another name than it was called by.
    private static let limit = Duration.seconds(2)
    private static let late = Duration.milliseconds(200)

    init(_ connection: GRPCConnection) { self.connection = connection }

    /// Waits for its turn in the container, and answers what is known of it then.
    func begin(in container: String) async -> ExecProcess.Before? {
        if waiting[container] != nil {
            await withCheckedContinuation { waiting[container]?.append($0) }
        } else {
            waiting[container] = []
        }
        guard let process = await firstProcess(of: container) else { return nil }
        return await Self.aside { ExecProcess.Before(process: process) }
    }

    /// Looks for the process until it is found, it is too late, or the task is cancelled; then it is the next one's turn. To be called once
    /// after each `begin`.
    func find(_ command: [String], in container: String, since before: ExecProcess.Before?) async -> ExecProcess? {
        defer { end(container) }
        guard let before else { return nil }
        let began = ContinuousClock.now
        var pause = Duration.milliseconds(10)
        while began.duration(to: .now) < Self.limit {
            do { try await Task.sleep(for: pause) } catch { return nil }
            pause = min(pause * 2, .milliseconds(200))
            let isLate = began.duration(to: .now) > Self.late
            if let found = await Self.aside({
                ExecProcess.choose(command, among: ExecProcess.newcomers(before), isLate: isLate)
            }) {
                return found
            }
        }
        return nil
    }

    private func end(_ container: String) {
        if waiting[container]?.isEmpty ?? true {
            waiting[container] = nil
            return
        }
        waiting[container]?.removeFirst().resume()
    }

    /// Reads where that holds up nobody.
    private static func aside<R: Sendable>(_ body: @escaping @Sendable () -> R) async -> R {
        await withCheckedContinuation { continuation in DispatchQueue.global().async { continuation.resume(returning: body()) } }
    }

    /// Its number on this machine, which runtimes tell who asks for everything.
    private func firstProcess(of container: String) async -> Int32? {
        // `verbose`
        let request = WireFields.message(1, container) + [2 << 3, 1]
        guard let answer = try? await connection.call("runtime.v1.RuntimeService/ContainerStatus", request, timeout: .seconds(2)).get()
        else { return nil }
        for case (2, .bytes(let entry)) in WireFields(answer) where WireFields.string(1, in: entry) == "info" {
            let info = try? JSON.decode(Array(WireFields.bytes(2, in: entry)))
            return info?["pid"].int.flatMap { Int32(exactly: $0.int64) }
        }
        return nil
    }
}
