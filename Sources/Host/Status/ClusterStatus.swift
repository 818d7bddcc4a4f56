internal import APIModel
internal import Client
internal import PKI

/// How a cluster is: what was found out about it, and what of that is not as it should be.
struct ClusterStatus: Sendable {
    enum Health: String, Sendable {
        case well = "Well"
        case degraded = "Degraded"
        case notRunning = "NotRunning"

        /// For scripts.
        var exitCode: Int32 {
            switch self {
            case .well: 0
            case .degraded: 1
            case .notRunning: 2
            }
        }
    }

    struct Role: Sendable, Equatable {
        var name: String
        /// `nil` when it is well.
        var problem: String?
    }

    struct Plugin: Sendable, Equatable {
        var name: String
        var kind: String
        var state: String
        var isolation: String
        /// Why it does not run, or not as it should.
        var reason: String

        /// Whether it does what its object asks for, be that nothing.
        var isWell: Bool { ["Running", "Skipped"].contains(state) && reason.isEmpty || state == "Skipped" }
    }

    struct Disk: Sendable, Equatable {
        /// In bytes, of the file system that the data directory is on.
        var size: UInt64
        var free: UInt64
        /// Of `store.db` and its log.
        var store: UInt64
    }

    var directory: String
    var host: Int32?
    var supervisor: Int32?
    /// For how long the host has run, in seconds.
    var age: Whole?
    /// Of what runs; `nil` when it does not answer.
    var runningVersion: String?
    var runtimeVersion: String?
    /// Why the API does not answer, `nil` when it does.
    var apiProblem: String?
    var roles: [Role] = []
    var plugins: [Plugin] = []
    var suspects = Suspects()
    /// The newest last.
    var crashes: [Crash] = []
    var certificates: [(file: String, end: Whole?)] = []
    var disk: Disk?
    /// When all this was looked at, in seconds since 1970.
    var time: Whole

    /// A certificate with less than this left is told; the next start renews it.
    static let certificateWarning: Whole = 14 * 24 * 3600
    /// Of the disk. The kubelet evicts pods when less is free.
    static let leastFree = 0.1

    var health: Health { host == nil ? .notRunning : problems.isEmpty ? .well : .degraded }

    /// Everything that is not as it should be, a sentence each.
    var problems: [String] {
        var found: [String] = []
        if host == nil {
            return [supervisor.map { "the host does not run; its supervisor, process \($0), is about to start it" } ?? "it does not run"]
        }
        if let apiProblem { found.append("the API does not answer: \(apiProblem)") }
        if supervisor == nil { found.append("no supervisor runs: nobody would start the host again") }
        found += roles.compactMap { role in role.problem.map { "\(role.name): \($0)" } }
        found += plugins.filter { !$0.isWell }.map { "plugin \($0.name) is \($0.state)\($0.reason.isEmpty ? "" : ": \($0.reason)")" }
        found += suspects.putAside.map { "\($0.key.text) is quarantined" }
        found += certificates.compactMap { file, end in
            guard let end else { return "\(file) cannot be read" }
            guard end - time < Self.certificateWarning else { return nil }
            return end <= time ? "\(file) has ended" : "\(file) ends in \(HumanDuration.text(seconds: end - time)); a start renews it"
        }
        if let disk, Double(disk.free) < Double(disk.size) * Self.leastFree {
            found.append("the disk is nearly full: \(Text.bytes(disk.free)) of \(Text.bytes(disk.size)) are free")
        }
        return found
    }
}
