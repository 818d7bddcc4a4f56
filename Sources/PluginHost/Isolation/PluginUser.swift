internal import Synchronization

/// The user ids of isolated plugins: one for each name, and in this process no two alike.
enum PluginUser {
    /// Above what systems give to people, to services and to containers, below what some programs take for negative.
    static let range: Range<UInt32> = 0x7000_0000..<0x7010_0000

    private static let owners = Mutex<[UInt32: String]>([:])

    /// The user and group of the plugin `name`: the same for as long as this process lives, and nearly always in the next one, too.
    static func id(of name: String) -> UInt32 {
        owners.withLock { owners in
            var id = first(for: name)
            while let owner = owners[id], owner != name { id = id + 1 < range.upperBound ? id + 1 : range.lowerBound }
            owners[id] = name
            return id
        }
    }

    /// The id that `name` gets unless another name was faster: its FNV-1a hash.
    static func first(for name: String) -> UInt32 {
        let hash = name.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return range.lowerBound + hash % UInt32(range.count)
    }
}
