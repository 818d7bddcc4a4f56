import APIModel
import Synchronization

/// How it ended that the keys of one issuer were fetched. Safe from any thread.
final class KeyFetches: Sendable {
    struct Told: Sendable {
        /// When it last ended so, in seconds since 1970: by `success` and `failure`.
        var ends: [String: Int64] = [:]
        /// Of the keys as they came the last time.
        var keysHash: String?
    }

    private let state = Mutex(Told())

    var told: Told { state.withLock { $0 } }

    /// - Parameter keys: as they came.
    func succeeded(_ keys: [UInt8]) {
        let hash = HashLabel.of(keys)
        state.withLock { told in
            told.ends["success"] = Clock.seconds.int64
            told.keysHash = hash
        }
    }

    func failed() { state.withLock { $0.ends["failure"] = Clock.seconds.int64 } }
}
