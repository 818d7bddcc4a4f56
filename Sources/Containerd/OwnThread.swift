internal import Glibc

/// Runs blocking work on a thread of its own and waits for it without blocking the caller's executor. The thread ends with the work;
/// cancelling the caller does not end the work, which is why everything run here has a deadline or is woken otherwise.
func onOwnThread<Result: Sendable>(_ work: @escaping @Sendable () throws(ContainerdError) -> Result) async throws(ContainerdError) -> Result
{
    let result: Swift.Result<Result, ContainerdError> = await withCheckedContinuation { continuation in
        startThread {
            do throws(ContainerdError) {
                continuation.resume(returning: .success(try work()))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
    return try result.get()
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

private func startThread(_ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    let box = Unmanaged.passRetained(ThreadBody(body))
    let status = pthread_create(
        &thread, nil,
        { pointer in
            Unmanaged<ThreadBody>.fromOpaque(pointer!).takeRetainedValue().run()
            return nil
        }, box.toOpaque())
    precondition(status == 0, "the system gives no thread: \(String(cString: strerror(status)))")
    pthread_detach(thread)
}

/// Runs the work for every element on up to `width` threads and returns when all are done.
func onThreads<Element: Sendable>(_ elements: [Element], width: Int, _ work: @escaping @Sendable (Element) -> Void) {
    var threads: [pthread_t] = []
    let next = Counter()
    for _ in 0..<min(width, elements.count) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(
            ThreadBody {
                while true {
                    let index = next.take()
                    guard index < elements.count else { return }
                    work(elements[index])
                }
            })
        let status = pthread_create(
            &thread, nil,
            { pointer in
                Unmanaged<ThreadBody>.fromOpaque(pointer!).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        precondition(status == 0, "the system gives no thread: \(String(cString: strerror(status)))")
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
}
