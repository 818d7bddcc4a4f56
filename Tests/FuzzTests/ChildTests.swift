import Testing

/// What a child process runs; elsewhere there is nothing to do.
struct ChildTests {
    @Test func task() async throws { try await ChildTask.own()?.run() }
}
