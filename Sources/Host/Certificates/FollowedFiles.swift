internal import APIServer
internal import Logging
internal import NIOPosix

/// Files that are replaced while the process runs.
enum FollowedFiles {
    private static let period = Duration.seconds(10)

    /// Calls `use` on a thread that may block when one of the files says something else than before, for as long as the group runs. What
    /// cannot be used is told, and what was used before goes on.
    ///
    /// - Parameter what: of them, for the log.
    static func follow(
        _ what: String, _ files: [String], every interval: Duration = period, in group: inout RoleGroup,
        _ use: @escaping @Sendable () throws -> Void
    ) {
        guard !files.isEmpty else { return }
        group.add(what) { await follow(what, files, every: interval, use) }
    }

    static func follow(_ what: String, _ files: [String], every interval: Duration, _ use: @escaping @Sendable () throws -> Void) async {
        let watched = files.map(WatchedFile.init)
        await WatchedFile.follow(what, in: files, every: interval, log: Logger(label: "certificates")) {
            var hasChanged = false
            for file in watched where try await file.change() != nil { hasChanged = true }
            guard hasChanged else { return false }
            try await NIOThreadPool.singleton.runIfActive(use)
            return true
        }
    }
}
