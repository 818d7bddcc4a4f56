internal import CLinux
internal import FoundationEssentials
internal import Glibc

/// Mounts that pods' volumes left.
enum Mounts {
    /// Unmounts everything below `directory`, the last mounted first.
    static func unmount(under directory: String) throws {
        let table = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
        let points = table.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first.map(String.init) }
        for point in points.reversed() where point.hasPrefix(directory + "/") {
            guard apus_unmount(point) == 0 || errno == EINVAL else {
                throw StartupFailure("\(point) could not be unmounted: \(String(cString: strerror(errno)))")
            }
        }
    }
}
