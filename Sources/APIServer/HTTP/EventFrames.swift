import Synchronization

/// The encoded frames of one event, by what it means to a watcher; shared by all watchers.
final class EventFrames: Sendable {
    private let frames = Mutex<[WatchSource.Change: [UInt8]]>([:])

    func frame(_ change: WatchSource.Change, _ make: () -> [UInt8]) -> [UInt8] {
        frames.withLock { frames in
            if let frame = frames[change] { return frame }
            let frame = make()
            frames[change] = frame
            return frame
        }
    }
}
