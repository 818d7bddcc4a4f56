internal import CLinux
internal import Glibc

/// Starts a detached thread named `name` (at most 15 bytes are shown) with `stack` bytes of stack.
public func startThread(name: String, stack: Int = 4 << 20, _ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }
    let argument = Unmanaged.passRetained(Box(name, body)).toOpaque()
    let status = withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { buffer in
        let attributes = buffer.baseAddress!
        pthread_attr_init(attributes)
        pthread_attr_setstacksize(attributes, stack)
        pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
        defer { pthread_attr_destroy(attributes) }
        var thread: pthread_t = 0
        return pthread_create(
            &thread, attributes,
            { argument in
                let box = Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue()
                apus_name_thread(box.name)
                box.body()
                return nil
            }, argument)
    }
    guard status == 0 else { fatalError("the system gives no thread for \(name): error \(status)") }
}
