import FileSystem

// The directories of pods' logs. Both block.
extension KubeletConfiguration {
    /// Made where it is not there. Others on the machine may read logs, so the modes are those of `/var/log`.
    func makeLogDirectory(for pod: Pod) throws(Files.Failure) -> Directory {
        try Directory.make(podLogsDirectory, mode: 0o755).make(logDirectoryName(for: pod), mode: 0o755)
    }

    func removeLogDirectory(_ name: String) { _ = try? Directory.open(podLogsDirectory).removeTree(name) }
}
