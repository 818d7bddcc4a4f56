internal import Synchronization

/// Whether something happened, noted from any thread.
final class Seen: Sendable {
    private let noted = Atomic<Bool>(false)
    func note() { noted.store(true, ordering: .relaxed) }
    var isNoted: Bool { noted.load(ordering: .relaxed) }
}
