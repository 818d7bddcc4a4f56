import APIModel

/// Processors by the kernel's numbers, written as the kernel does: `0-3,6`.
struct CPUSet: Hashable, Sendable, CustomStringConvertible {
    var ids: Set<Int>

    init(_ ids: some Sequence<Int> = []) { self.ids = Set(ids) }

    /// No machine has more.
    private static let limit = 1 << 16

    /// `nil` when that is no such list.
    init?(_ text: String) {
        var ids: Set<Int> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: !text.contains(",")) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard ends.count < 3, let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, first <= last, last < Self.limit
            else { return nil }
            ids.formUnion(first...last)
        }
        self.ids = ids
    }

    var isEmpty: Bool { ids.isEmpty }
    var count: Int { ids.count }

    var description: String {
        var ranges: [ClosedRange<Int>] = []
        for id in ids.sorted() {
            if let last = ranges.last, last.upperBound + 1 == id {
                ranges[ranges.count - 1] = last.lowerBound...id
            } else {
                ranges.append(id...id)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
    }

    func union(_ other: CPUSet) -> CPUSet { CPUSet(ids.union(other.ids)) }
    func subtracting(_ other: CPUSet) -> CPUSet { CPUSet(ids.subtracting(other.ids)) }
    func intersection(_ other: CPUSet) -> CPUSet { CPUSet(ids.intersection(other.ids)) }
}
