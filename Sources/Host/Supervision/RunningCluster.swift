internal import CLinux
internal import FileSystem
internal import Glibc
internal import PKI

/// The processes that run on a data directory, whoever started them.
struct RunningCluster {
    private let directory: DataDirectory

    init(_ directory: DataDirectory) { self.directory = directory }

    /// Asks them to end, says what they wait for, and ends them when they take longer than they may. Returns when there are none.
    func stop() async {
        guard let owner = directory.owner else { return }
        Output.line("stopping apus, process \(owner), which ends within \(Text.duration(Shutdown.bound))")
        var asked: Set<pid_t> = []
        var told = ""
        let patience = ContinuousClock.now + Shutdown.bound + .seconds(3)
        while directory.owner != nil {
            // The supervisor first: it is not to start the other again.
            let processes = [directory.supervisor.holder, directory.host.holder].compactMap { $0 }
            if ContinuousClock.now < patience {
                for process in processes.prefix(1) where asked.insert(process).inserted { kill(process, SIGTERM) }
            } else {
                for process in processes {
                    Output.line("process \(process) did not end and is killed")
                    kill(process, SIGKILL)
                }
            }
            let sentence = Files.text(directory.stoppingFile) ?? ""
            if !sentence.isEmpty, sentence != told { Output.line("  \(sentence)") }
            told = sentence
            if let last = processes.last { wait(for: last) }
        }
    }

    /// Until the process has ended, or a while.
    private func wait(for process: pid_t) {
        let descriptor = apus_pidfd_open(process)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var wait = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&wait, 1, 100)
    }
}
