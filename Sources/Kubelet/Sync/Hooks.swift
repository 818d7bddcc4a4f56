import APIModel

/// Runs a container's `postStart` and `preStop`. Upstream: `lifecycle/handlers.go`.
struct Hooks: Sendable {
    let handler: Handler

    /// Returns why the hook failed, or `nil`. A TCP hook does nothing and never did.
    func run(_ hook: Value, container: Value, id: String, host: String, userAgent: String) async -> String? {
        if let seconds = hook[path: "sleep", "seconds"].seconds {
            do { try await Task.sleep(for: .seconds(seconds)) } catch { return "container terminated before sleep hook finished" }
            return nil
        }
        if !hook["tcpSocket"].isNull { return nil }
        // A hook may take as long as the grace period, which its caller watches.
        switch await handler.run(
            hook, container: container, id: id, host: host, timeout: hook["exec"].isNull ? 3600 : 0, userAgent: userAgent)
        {
        case .success, .warning: return nil
        case .failure(let message), .error(let message): return message
        }
    }
}
