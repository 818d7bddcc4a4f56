import APIModel

/// Counts a probe's outcomes against its thresholds. A value, so that tables can test it.
struct ProbeState: Equatable, Sendable {
    let kind: ProbeKind
    let successThreshold: Whole
    let failureThreshold: Whole
    /// What counts now: `nil` until a threshold was reached for the first time.
    private(set) var result: Bool?
    private var last: Bool?
    private var run: Whole = 0

    init(kind: ProbeKind, spec: Value) {
        self.kind = kind
        successThreshold = max(spec["successThreshold"].int ?? 1, 1)
        failureThreshold = max(spec["failureThreshold"].int ?? 3, 1)
    }

    /// Takes one outcome in. Returns whether `result` changed.
    mutating func observe(_ success: Bool) -> Bool {
        run = last == success ? run + 1 : 1
        last = success
        guard run >= (success ? successThreshold : failureThreshold), result != success else { return false }
        result = success
        return true
    }
}
