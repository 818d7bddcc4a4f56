internal import Glibc
internal import PluginHost

/// How a process of ours ended.
enum ProcessEnd: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)
    /// It was nobody's child here.
    case unknown

    /// As `waitpid` tells it.
    init(status: Int32) { self = status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .signalled(status & 0x7f) }

    /// In words that follow the process.
    var sentence: String {
        switch self {
        case .exited(let code): "ended itself with exit code \(code)"
        case .signalled(let number): "was ended by \(SignalName.of(number))"
        case .unknown: "ended"
        }
    }

    /// As a shell would tell it.
    var exitCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signalled(let number): 128 + number
        case .unknown: 1
        }
    }

    /// For a command line.
    var text: String {
        switch self {
        case .exited(let code): "exit-\(code)"
        case .signalled(let number): "signal-\(number)"
        case .unknown: "unknown-0"
        }
    }

    init?(text: some StringProtocol) {
        let parts = text.split(separator: "-")
        guard parts.count == 2, let number = Int32(parts[1]) else { return nil }
        switch parts[0] {
        case "exit": self = .exited(number)
        case "signal": self = .signalled(number)
        case "unknown": self = .unknown
        default: return nil
        }
    }
}
