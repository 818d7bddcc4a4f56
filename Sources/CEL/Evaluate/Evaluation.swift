/// One evaluation under way: what it may still spend, and the values of its local variables.
///
/// Lives on the stack of one call and is used by one thread.
public final class Evaluation {
    /// How many steps of comparing, copying or writing nested values go into one unit of cost that nobody charges for. Upstream's costs look only at
    /// the outermost size of a value; this bounds what a small expression can make of values that hold each other many times.
    private static let stepsPerUnit: UInt64 = 64

    private(set) var cost: UInt64 = 0
    private let limit: UInt64
    private let mostSteps: UInt64
    private var steps: UInt64 = 0
    private var loops = 0
    let inputs: [CELValue?]
    var locals: ContiguousArray<Local>

    /// The value of a local variable.
    enum Local {
        /// Not evaluated yet.
        case pending
        case value(CELValue)
        case failed(EvaluationError)
    }

    init(inputs: [CELValue?], localCount: Int, limit: UInt64) {
        self.inputs = inputs
        self.limit = limit
        // Room for large values in cheap expressions, such as the comparison of two whole objects.
        mostSteps = max(10_000_000, Estimate.saturatingMultiply(limit, Self.stepsPerUnit))
        locals = ContiguousArray(repeating: .pending, count: localCount)
    }

    /// Adds to the cost, and ends the evaluation when it is too much.
    @inline(__always)
    func charge(_ units: UInt64) throws(EvaluationError) {
        let (sum, isBeyond) = cost.addingReportingOverflow(units)
        cost = isBeyond ? .max : sum
        if cost > limit { throw .costLimit }
    }

    /// What can still be charged.
    var remaining: UInt64 { limit > cost ? limit - cost : 0 }

    /// Counts one step of going through a nested value.
    func step() throws(EvaluationError) {
        steps &+= 1
        if steps > mostSteps { throw .costLimit }
    }

    /// Matches a pattern, for which time is not in every case what the cost says: repetitions are written out, and a search begins anew after each match.
    func matching<Result>(_ match: (inout MatchingEffort) -> Result) throws(EvaluationError) -> Result {
        var effort = MatchingEffort(most: mostSteps > steps ? mostSteps - steps : 0)
        let result = match(&effort)
        steps &+= effort.steps
        if effort.isExhausted { throw .costLimit }
        return result
    }

    /// Called for each round of a loop: ends the evaluation when its task is cancelled.
    func round() throws(EvaluationError) {
        loops &+= 1
        if loops % 100 == 0, Task.isCancelled { throw .interrupted }
    }
}
