/// How far back states of the past are kept, by age: at least one interval and at most two, as etcd is kept by kube-apiserver.
///
/// What was the newest revision at one beat is the oldest kept from the next beat on. A beat is taken by whoever calls `advance` first when
/// an interval is over. A plain value without a clock of its own.
struct Compaction: Sendable {
    private let interval: Duration
    private var beat: (time: Duration, revision: UInt64)
    /// States before this revision are given up.
    private(set) var revision: UInt64

    /// - Parameters:
    ///   - interval: zero or less means that nothing is ever given up for its age.
    ///   - revision: the newest there is; nothing is known from before.
    init(every interval: Duration, from revision: UInt64, now: Duration) {
        self.interval = interval
        self.revision = revision
        beat = (now, revision)
    }

    /// - Parameters:
    ///   - now: of a clock that never goes back.
    ///   - newest: the revision of the newest state.
    mutating func advance(now: Duration, newest: UInt64) {
        guard interval > .zero, now - beat.time >= interval else { return }
        revision = beat.revision
        beat = (now, newest)
    }
}
