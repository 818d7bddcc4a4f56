internal import FoundationEssentials
internal import Glibc

/// The pages of code of this process and its libraries, most of which only a start needs.
enum StartCode {
    /// Gives them back: what is called again comes back by itself, from the kernel's memory of the file. Nothing else is touched; threads
    /// may run meanwhile.
    static func letGo() {
        guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return }
        for range in ranges(maps) { madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED) }
    }

    /// Where the code of files is. What can be written may have been, and would be lost; what is no file's the kernel has put there.
    static func ranges(_ maps: String) -> [Range<UInt>] {
        maps.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { return nil }
            let ends = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            return ends.count == 2 && ends[0] < ends[1] ? ends[0]..<ends[1] : nil
        }
    }
}
