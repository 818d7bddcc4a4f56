internal import Client
internal import Glibc

/// Why a child process is no more, in words that follow the plugin's name.
struct ChildEnding: Sendable, Equatable {
    /// What the host ended it for.
    enum Cause: Sendable, Equatable {
        case late(slot: String, after: Duration)
        case flood(slot: String, limit: Int)
        case garbage(String)
        case stopped
    }

    /// `nil` when it ended by itself.
    var cause: Cause?
    /// As `waitpid` tells it.
    var status: Int32
    /// Private memory it had when a fault of its own ended it, beyond what an empty child has; zero when unknown.
    var memory: UInt64 = 0
    /// The plugin's limit for it.
    var limit: UInt64?
    /// Whether the kernel ended it, or what it started, because all together had more than that.
    var ranOutOfMemory = false
    /// Whether the signal came from another process.
    var wasSent = false
    /// What the call at fault was made for.
    var key: InHand.Key?

    /// Whether it was a fault of the plugin's own, that another call of the same may bring about again.
    var isFault: Bool { cause == nil && !wasSent && (status & 0x7f != SIGKILL || ranOutOfMemory) }

    var sentence: String {
        switch cause {
        case .late(let slot, let after): return "did not answer \(slot) within \(Self.text(after)) and was ended"
        case .flood(_, let limit): return "wrote more than \(Self.text(bytes: limit)) into a sink and was ended"
        case .garbage(let what): return "broke the protocol of isolation (\(what)) and was ended"
        case .stopped: return "was stopped"
        case nil: break
        }
        let signal = status & 0x7f
        guard signal != 0 else { return "ended itself with exit code \(status >> 8 & 0xff)" }
        let ended = "ended by \(SignalName.of(signal))"
        if let limit, ranOutOfMemory {
            return "used more memory than its limit of \(Self.quantity(limit)), with all that the system keeps for it, and was \(ended)"
        }
        // What it asked for last does not count: the request was refused.
        if let limit, memory >= limit - limit / 8 {
            return "used more memory than its limit of \(Self.quantity(limit)) (it had \(memory >> 20) MiB) and \(ended)"
        }
        return "was \(ended)"
    }

    /// `1 s`, `250 ms`.
    static func text(_ duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
        return milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }

    /// As manifests write it: `64Mi`.
    private static func quantity(_ bytes: UInt64) -> String {
        for (shift, suffix) in [(30, "Gi"), (20, "Mi"), (10, "Ki")] where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(suffix)"
        }
        return "\(bytes)"
    }

    /// `64 KiB`, `3 MiB`.
    static func text(bytes: Int) -> String {
        if bytes >= 1 << 20, bytes % (1 << 20) == 0 { return "\(bytes >> 20) MiB" }
        if bytes >= 1 << 10, bytes % (1 << 10) == 0 { return "\(bytes >> 10) KiB" }
        return "\(bytes) bytes"
    }
}
