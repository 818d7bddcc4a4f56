/// Lets seats go that are kept for a while after an answer, where somebody waits for one. Safe from any thread; `run` once.
///
/// A level needs this for those who wait alone: whoever comes or goes otherwise lets go himself what is over.
final class SeatReleases: Sendable {
    private typealias Release = (level: PriorityLevel, at: Double)

    private let coming: AsyncStream<Release>
    private let continuation: AsyncStream<Release>.Continuation

    init() { (coming, continuation) = AsyncStream.makeStream() }

    /// The level's next release. It tells one at a time.
    func add(_ level: PriorityLevel, at moment: Double) { continuation.yield((level, moment)) }

    /// Until the task is cancelled. A release may be late by as much as a seat is kept.
    func run() async {
        for await (level, moment) in coming {
            let wait = moment - Moment.now
            if wait > 0 { try? await Task.sleep(for: .seconds(wait)) }
            level.releaseDue()
        }
    }
}
