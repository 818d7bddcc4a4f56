/// Rows of cells under a head, in columns as wide as their widest cell: how `kubectl get` prints.
struct TextTable {
    var head: [String]
    var rows: [[String]] = []

    var lines: [String] {
        let all = [head] + rows
        let widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return cells.joined(separator: "   ").trimmingSpaces
        }
    }
}

extension String {
    fileprivate var trimmingSpaces: String { String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)]) }
}
