import Glibc
import Synchronization

/// Tells of changes of files in directories, through inotify. One thread for the whole process waits for the kernel; it lives as long as
/// the process.
final class FileWatch: Sendable {
    static let shared = FileWatch()

    private let file: Int32
    private let state = Mutex(State())

    private struct State {
        var watches: [Int32: [ObjectIdentifier: Watch]] = [:]
        var isStarted = false
    }

    /// Interest in one directory, until cancelled.
    final class Watch: Sendable {
        /// Set on every change.
        let wakeup: Wakeup
        private let owner: FileWatch
        private let descriptor: Int32

        init(_ owner: FileWatch, _ descriptor: Int32, _ wakeup: Wakeup) {
            self.owner = owner
            self.wakeup = wakeup
            self.descriptor = descriptor
        }

        func cancel() { owner.remove(self, descriptor) }
    }

    init() { file = inotify_init1(Int32(IN_CLOEXEC)) }

    /// Where the kernel offers no watch, because too many are in use, the caller's own looking now and then has to do.
    /// - Parameter wakeup: what is set on every change; several directories may share one.
    func watch(_ directory: String, _ wakeup: Wakeup = Wakeup()) -> Watch {
        let mask = UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
        // Under the lock, so that a descriptor that is being given up is not handed out again in between.
        return state.withLock { state in
            let descriptor = inotify_add_watch(file, directory, mask)
            let watch = Watch(self, descriptor, wakeup)
            if descriptor >= 0 { state.watches[descriptor, default: [:]][ObjectIdentifier(watch)] = watch }
            if !state.isStarted {
                state.isStarted = true
                startThread()
            }
            return watch
        }
    }

    private func remove(_ watch: Watch, _ descriptor: Int32) {
        state.withLock { state in
            state.watches[descriptor]?[ObjectIdentifier(watch)] = nil
            guard state.watches[descriptor]?.isEmpty == true else { return }
            state.watches[descriptor] = nil
            inotify_rm_watch(file, descriptor)
        }
    }

    private func startThread() {
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { context in
                Unmanaged<FileWatch>.fromOpaque(context.unsafelyUnwrapped).takeRetainedValue().loop()
                return nil
            }, context)
        pthread_detach(thread)
    }

    private func loop() {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            var descriptors: Set<Int32> = []
            buffer.withUnsafeBytes { bytes in
                var offset = 0
                while offset + MemoryLayout<inotify_event>.size <= count {
                    let event = bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    descriptors.insert(event.wd)
                    offset += MemoryLayout<inotify_event>.size + Int(event.len)
                }
            }
            let watches = state.withLock { state in descriptors.flatMap { state.watches[$0].map { Array($0.values) } ?? [] } }
            for watch in watches { watch.wakeup.set() }
        }
    }
}
