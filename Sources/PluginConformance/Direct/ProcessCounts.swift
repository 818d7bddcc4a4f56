internal import CLinux
internal import Glibc

/// What a process holds: to see whether an instance gave back what it took.
struct ProcessCounts: Sendable {
    var threads: Int
    var descriptors: Int
    /// Bytes that `malloc` has given out.
    var heap: Int

    static func now() -> ProcessCounts {
        ProcessCounts(threads: entries("/proc/self/task"), descriptors: entries("/proc/self/fd"), heap: Int(apus_heap_in_use()))
    }

    private static func entries(_ directory: String) -> Int {
        guard let stream = opendir(directory) else { return 0 }
        defer { closedir(stream) }
        var count = 0
        while readdir(stream) != nil { count += 1 }
        return count
    }
}
