internal import PluginAPI

/// Which rows of a table changed, as the ABI lends it: the last of all changes.
struct ChangeLog {
    /// What a policy misses between two looks at the table, at most, without looking at all rows anew.
    private static let capacity = 4096

    private var rows = Column<UInt32>(0)
    private(set) var count: UInt64 = 0

    init() { rows.grow(to: Self.capacity) }

    mutating func append(_ row: Int) {
        rows[Int(count % UInt64(Self.capacity))] = UInt32(row)
        count += 1
    }

    /// The rows that changed since there were so many changes, some of them often; `nil` when that is longer ago than is remembered.
    func rows(since first: UInt64) -> [Int]? {
        guard count - first <= UInt64(Self.capacity) else { return nil }
        return (first..<count).map { Int(rows[Int($0 % UInt64(Self.capacity))]) }
    }

    var lent: apus_changes {
        apus_changes(count: count, capacity: UInt32(Self.capacity), reserved: 0, rows: UnsafePointer(rows.pointer))
    }

    func free() { rows.free() }
}
