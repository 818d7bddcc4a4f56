internal import APIModel
internal import Glibc
internal import PluginKit
internal import Synchronization

/// A runtime whose containers exist in memory only: hollow pods, as many as one likes, for tests and for clusters of many nodes on one
/// machine.
///
/// Several kubelets may share it; each sees its own pods by its label selectors. What is not in `methods` is refused by name.
final class FakeRuntime: Runtime {
    let options: FakeOptions
    let state: Mutex<RuntimeState>
    let alarms = Alarms()
    private let events = Mutex<RuntimeEvents?>(nil)

    static let settings: Set = ["podCIDR", "startMilliseconds", "pullMilliseconds", "missingImages"]

    init(_ host: Host, config: Value) throws {
        options = try FakeOptions(config)
        state = Mutex(RuntimeState(options.podCIDR))
    }

    func start() { alarms.start() }

    func stop() {
        alarms.stop()
        events.withLock { $0 = nil }
    }

    func subscribe(_ events: RuntimeEvents) -> Bool {
        self.events.withLock { $0 = events }
        return true
    }

    func call(_ method: String, _ request: [UInt8], timeoutMilliseconds: Int64) throws -> [UInt8] {
        let name = method.split(separator: "/").last.map(String.init) ?? ""
        guard let handler = Self.methods[method], let requestType = Catalogue.cri.type(named: name + "Request"),
            let answerType = Catalogue.cri.type(named: name + "Response")
        else { throw RuntimeError(.unimplemented, "the fake runtime has no \(method)") }
        let message: Value
        do {
            message = try Protobuf.decode(request, as: requestType)
        } catch {
            throw RuntimeError(.invalidArgument, "\(method): \(error)")
        }
        return try Protobuf.encode(try handler(self)(message), as: answerType)
    }

    typealias Handler = @Sendable (Value) throws -> Value

    /// By the method's name: takes the request, gives the answer.
    static let methods: [String: @Sendable (FakeRuntime) -> Handler] = Dictionary(
        uniqueKeysWithValues: sandboxMethods.map { ("RuntimeService/" + $0, $1) } + containerMethods.map { ("RuntimeService/" + $0, $1) }
            + imageMethods.map { ("ImageService/" + $0, $1) })

    func changed(sandbox: String, container: String) { events.withLock { $0 }?.changed(sandbox: sandbox, container: container) }

    /// Nanoseconds since 1970, as CRI counts.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Blocks the caller, one of the host's threads, as a real runtime would while it works.
    func work(_ duration: Duration) {
        guard duration > .zero else { return }
        poll(nil, 0, Int32(clamping: Int(duration / .milliseconds(1))))
    }
}

extension RuntimeError {
    static func notFound(_ what: String, _ id: String) -> RuntimeError {
        RuntimeError(.notFound, "an error occurred when try to find \(what) \"\(id)\": not found")
    }
}
