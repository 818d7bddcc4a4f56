internal import CLinux
internal import FileSystem
internal import Glibc

/// What a process holds: to see whether an instance gave back what it took.
struct ProcessCounts: Sendable {
    var threads: Int
    var descriptors: Int
    /// Bytes that `malloc` has given out.
    var heap: Int

    static func now() -> ProcessCounts {
        ProcessCounts(
            threads: Files.names(in: "/proc/self/task").count, descriptors: Files.names(in: "/proc/self/fd").count,
            heap: Int(apus_heap_in_use()))
    }
}
