import NIOCore
import Synchronization

/// When the patience with a client ends, of a connection or of a stream. Its event loop sets it; the server looks at all of them now and
/// then, so that a request costs no timer.
final class Deadline: Sendable {
    enum Wait: Int { case input, output }

    private static let never = UInt64.max
    private let input = Atomic<UInt64>(never)
    private let output = Atomic<UInt64>(never)
    /// Ends what has waited too long; called from the server's event loop, possibly more than once.
    let expire: @Sendable () -> Void

    init(expire: @escaping @Sendable () -> Void) { self.expire = expire }

    private func store(_ wait: Wait, _ time: UInt64) {
        switch wait {
        case .input: input.store(time, ordering: .relaxed)
        case .output: output.store(time, ordering: .relaxed)
        }
    }

    func set(_ wait: Wait, _ time: NIODeadline) { store(wait, time.uptimeNanoseconds) }
    func set(_ wait: Wait, in span: Duration) { set(wait, .now() + TimeAmount(span)) }
    func clear(_ wait: Wait) { store(wait, Self.never) }

    /// Never later than it is set already.
    func shorten(_ wait: Wait, to span: Duration) {
        let time = (NIODeadline.now() + TimeAmount(span)).uptimeNanoseconds
        let current = wait == .input ? input.load(ordering: .relaxed) : output.load(ordering: .relaxed)
        if time < current { store(wait, time) }
    }

    func isPast(_ now: NIODeadline) -> Bool {
        now.uptimeNanoseconds > min(input.load(ordering: .relaxed), output.load(ordering: .relaxed))
    }
}
