internal import CLinux
internal import Glibc

/// Runs a program of the system and waits for it. For a few short set-up commands (`ip`, `nft`), never on a hot path.
enum Shell {
    struct Result {
        var status: Int32
        var output: String
    }

    /// The same as a pair, for who does not know this type.
    @Sendable static func run(_ arguments: [String], _ input: String) -> (status: Int32, output: String) {
        let result = run(arguments, input: input)
        return (result.status, result.output)
    }

    /// - Parameter input: what the program reads on its standard input.
    /// - Returns: the exit status (127 when the program is not there) and what it wrote to both outputs.
    @discardableResult
    static func run(_ arguments: [String], input: String = "") -> Result {
        var outputEnds: [Int32] = [0, 0]
        // In a file, and not in a pipe: a program that writes before it has read all cannot hold us up, however much there is to read.
        let file = apus_memory_file("input")
        defer { close(file) }
        guard file >= 0, write(file, input) == input.utf8.count, lseek(file, 0, SEEK_SET) == 0, apus_pipe(&outputEnds) == 0 else {
            return Result(status: 127, output: String(cString: strerror(errno)))
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, file, 0)
        posix_spawn_file_actions_adddup2(&actions, outputEnds[1], 1)
        posix_spawn_file_actions_adddup2(&actions, outputEnds[1], 2)
        _ = apus_spawn_closing_from(&actions, 3)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var process = pid_t()
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        let failed = posix_spawnp(&process, words[0]!, &actions, nil, &words, environ)
        close(outputEnds[1])
        guard failed == 0 else {
            close(outputEnds[0])
            return Result(status: 127, output: "\(arguments[0]): \(String(cString: strerror(failed)))")
        }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(outputEnds[0], &buffer, buffer.count)
            if count > 0 { output += buffer[0..<count] } else if count == 0 || errno != EINTR { break }
        }
        close(outputEnds[0])
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        let exited = status & 0x7f == 0
        return Result(status: exited ? (status >> 8) & 0xff : 128 + (status & 0x7f), output: String(decoding: output, as: UTF8.self))
    }

    private static func write(_ file: Int32, _ text: String) -> Int { text.withCString { Glibc.write(file, $0, strlen($0)) } }
}
