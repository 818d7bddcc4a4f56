internal import Glibc

/// Marks a thread while a slot of a scheduler policy or an admission plugin runs on it: from there no host service that blocks may be called.
enum PolicyThread {
    private static let key: pthread_key_t = {
        var key: pthread_key_t = 0
        guard pthread_key_create(&key, nil) == 0 else {
            fatalError("the system has no more thread-local keys: the host needs one for every process")
        }
        return key
    }()

    static var isMarked: Bool { pthread_getspecific(key) != nil }

    static func mark() { pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1)) }
    static func unmark() { pthread_setspecific(key, nil) }
}
