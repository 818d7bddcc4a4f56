internal import CLinux
internal import Glibc

/// Wakes a thread that waits, once and for good.
final class Waker: Sendable {
    private let descriptor: Int32

    init() throws(ContainerdError) {
        descriptor = apus_event_create()
        guard descriptor >= 0 else { throw ContainerdError.system("cannot make an event descriptor") }
    }

    deinit { close(descriptor) }

    func wake() { _ = apus_event_signal(descriptor) }

    var isAwake: Bool { wait(milliseconds: 0) }

    /// Whether it was woken before the time had passed.
    func wait(milliseconds: Int32) -> Bool {
        let deadline = Deadline(after: .milliseconds(Int(milliseconds)))
        while true {
            var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let count = poll(&wait, 1, deadline.milliseconds)
            if count > 0 { return true }
            guard count < 0, errno == EINTR, !deadline.isPast else { return false }
        }
    }

    /// Waits for the other descriptor; false when it was woken instead.
    func wait(orReadable other: Int32) -> Bool {
        while true {
            var waits = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0)]
            guard poll(&waits, 2, -1) > 0 else { continue }
            if waits[0].revents != 0 { return false }
            if waits[1].revents != 0 { return true }
        }
    }
}
