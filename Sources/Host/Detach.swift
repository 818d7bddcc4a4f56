internal import CLinux
internal import Glibc

/// Starts this executable again in the background and waits until it says that it is ready.
enum Detach {
    /// - Returns: the line the process wrote when it was ready.
    /// - Throws: `StartupFailure` with what it said, or the end of its log.
    static func start(arguments: [String], logFile: String) throws -> String {
        let output = open(logFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard output >= 0 else { throw StartupFailure("the log \(logFile) cannot be written: \(String(cString: strerror(errno)))") }
        defer { close(output) }
        let logStart = size(of: logFile)
        var ends: [Int32] = [0, 0]
        guard apus_pipe(&ends) == 0 else { throw StartupFailure("no pipe: \(String(cString: strerror(errno)))") }
        defer { close(ends[0]) }
        let process: pid_t
        do {
            defer { close(ends[1]) }
            process = try OwnProcess.start(
                arguments + ["--\(UpCommand.Hidden.readyDescriptor)", "\(OwnProcess.readyNumber)"],
                OwnProcess.Descriptors(output: output, ready: ends[1]), isOwnSession: true)
        }
        switch ReadyMessage.receive(from: ends[0]) {
        case .ready(let line): return line
        case .failed(let reason): throw StartupFailure(reason)
        case nil:
            var status: Int32 = 0
            waitpid(process, &status, 0)
            throw StartupFailure("apus \(ProcessEnd(status: status).sentence) while it started.\(end(of: logFile, from: logStart))")
        }
    }

    private static func size(of file: String) -> off_t {
        var status = stat()
        return stat(file, &status) == 0 ? status.st_size : 0
    }

    /// The last lines of what was logged since, with a head; empty when there are none.
    private static func end(of logFile: String, from start: off_t) -> String {
        let descriptor = open(logFile, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let end = size(of: logFile)
        let count = Int(min(max(0, end - start), 16384))
        var buffer = [UInt8](repeating: 0, count: max(1, count))
        let got = pread(descriptor, &buffer, count, end - off_t(count))
        let lines = String(decoding: buffer.prefix(max(0, got)), as: UTF8.self).split(separator: "\n")
        return lines.isEmpty ? "" : " The end of \(logFile):\n\(lines.suffix(10).joined(separator: "\n"))"
    }
}
