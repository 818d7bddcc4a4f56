internal import CLinux
internal import Glibc
internal import Logging

/// Has the host's supervisor started again when it ended: whoever kills one of the two finds both again.
enum SupervisorWatch {
    private static let pause: UInt32 = 100_000  // microseconds

    /// Watches the process, which started this one, for as long as this one lives.
    /// - Parameter arguments: of `up`.
    static func start(_ supervisor: pid_t, arguments: [String], log: Logger) {
        Threads.start {
            var supervisor = supervisor
            // One that ended before it could be looked at is not the parent any more.
            var descriptor = getppid() == supervisor ? apus_pidfd_open(supervisor) : -1
            while true {
                var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                while descriptor >= 0, poll(&wait, 1, -1) < 0, errno == EINTR {}
                if descriptor >= 0 { close(descriptor) }
                // Of ours the second and later ones are.
                _ = waitpid(supervisor, nil, WNOHANG)
                guard !Signals.isStopRequested else { return }
                log.warning("the supervisor, process \(supervisor), ended; another is started")
                usleep(pause)
                do {
                    supervisor = try OwnProcess.start(
                        arguments + ["--\(UpCommand.Hidden.adopt)", "\(getpid())"], isOwnSession: true)
                    descriptor = apus_pidfd_open(supervisor)
                } catch {
                    log.error("no supervisor could be started: \(error)")
                    descriptor = -1
                    sleep(1)
                }
            }
        }
    }
}
