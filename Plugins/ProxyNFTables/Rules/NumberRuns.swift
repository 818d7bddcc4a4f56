/// Numbers given out in runs, one run to each owner, who keeps it while it is long enough: what was handed out once stays where it is.
///
/// A run is as long as a power of two, so that one that is given back fits somebody else.
struct NumberRuns {
    private struct Run {
        var first: UInt32
        var length: UInt32
    }

    private var runs: [String: Run] = [:]
    /// First numbers of those that were given back, by length.
    private var free: [UInt32: [UInt32]] = [:]
    private var next: UInt32 = 0

    /// The first of at least `count` numbers that are the owner's alone until they are given back or do not suffice any more.
    mutating func first(of owner: String, count: Int) -> UInt32 {
        if let run = runs[owner], run.length >= count { return run.first }
        giveBack(owner)
        var length: UInt32 = 1
        while length < count { length <<= 1 }
        let run = Run(first: free[length]?.popLast() ?? next, length: length)
        if run.first == next { next += length }
        runs[owner] = run
        return run.first
    }

    /// Whoever has none gives back nothing.
    mutating func giveBack(_ owner: String) {
        guard let run = runs.removeValue(forKey: owner) else { return }
        free[run.length, default: []].append(run.first)
    }
}
