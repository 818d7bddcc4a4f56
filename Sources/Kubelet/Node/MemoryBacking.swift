import FileSystem

/// Whether what a file system in memory holds may be written to the machine's swap.
struct MemoryBacking {
    /// The kernel's own words, of `/proc/swaps` and of its release.
    var swaps: String
    var release: String

    static var current: MemoryBacking {
        MemoryBacking(swaps: Files.text("/proc/swaps") ?? "", release: Files.text("/proc/sys/kernel/osrelease") ?? "")
    }

    /// A line of titles stands above those of what there is. Kernels since 6.3 keep such a file system out of it when told to.
    var reachesDisk: Bool {
        guard swaps.split(separator: "\n").count > 1 else { return false }
        let numbers = release.split { !$0.isNumber }.prefix(2).map { Int($0) ?? 0 }
        return numbers.count == 2 && (numbers[0], numbers[1]) < (6, 3)
    }
}
