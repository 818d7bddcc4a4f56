internal import APIModel

/// Indexes of an Indexed Job, kept as ascending runs: `0-3,5`, the form of `status.completedIndexes`.
struct CompletionIndexes: Hashable, CustomStringConvertible {
    private var runs: [ClosedRange<Whole>] = []

    init() {}

    init(_ indexes: some Sequence<Whole>) {
        for index in Set(indexes).sorted() { append(index...index) }
    }

    /// Reads `0-3,5`. What is no index, or not below `limit`, is left out: an Indexed Job can become smaller.
    init(_ text: String, below limit: Whole) {
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Whole($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0, last >= first, first < limit
            else { continue }
            append(first...min(last, limit - 1))
        }
    }

    /// - Precondition: nothing of `run` lies before what is there.
    private mutating func append(_ run: ClosedRange<Whole>) {
        if let last = runs.last, run.lowerBound <= last.upperBound + 1 {
            runs[runs.count - 1] = last.lowerBound...max(last.upperBound, run.upperBound)
        } else {
            runs.append(run)
        }
    }

    func union(_ other: CompletionIndexes) -> CompletionIndexes {
        var result = CompletionIndexes()
        for run in (runs + other.runs).sorted(by: { $0.lowerBound < $1.lowerBound }) { result.append(run) }
        return result
    }

    func union(_ indexes: some Sequence<Whole>) -> CompletionIndexes { union(CompletionIndexes(indexes)) }

    var isEmpty: Bool { runs.isEmpty }
    var count: Whole { runs.reduce(.zero) { $0 + $1.upperBound - $1.lowerBound + 1 } }

    func contains(_ index: Whole) -> Bool {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].upperBound < index { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].lowerBound <= index
    }

    /// How many indexes are in both.
    func common(with other: CompletionIndexes) -> Whole {
        var (left, right) = (0, 0)
        var count: Whole = 0
        while left < runs.count, right < other.runs.count {
            let (a, b) = (runs[left], other.runs[right])
            count = count + max(0, min(a.upperBound, b.upperBound) - max(a.lowerBound, b.lowerBound) + 1)
            if a.upperBound <= b.upperBound { left += 1 }
            if b.upperBound <= a.upperBound { right += 1 }
        }
        return count
    }

    /// The first `count` indexes below `limit` that are not in here.
    func missing(below limit: Whole, count: Int) -> [Whole] {
        var found: [Whole] = []
        var candidate: Whole = 0
        func take(until end: Whole) {
            while candidate < end, found.count < count {
                found.append(candidate)
                candidate = candidate + 1
            }
        }
        for run in runs where found.count < count {
            take(until: min(run.lowerBound, limit))
            candidate = max(candidate, run.upperBound + 1)
        }
        take(until: limit)
        return found
    }

    /// Two neighbours read `3,4`, more `3-5`.
    var description: String {
        runs.map { run in
            if run.lowerBound == run.upperBound { return "\(run.lowerBound)" }
            return "\(run.lowerBound)\(run.upperBound == run.lowerBound + 1 ? "," : "-")\(run.upperBound)"
        }.joined(separator: ",")
    }
}
