/// One thing that the ABI promises, and how to see whether a plugin keeps it.
public struct Check: Sendable {
    /// `stop/twice`: what is looked at, and in what situation.
    public let name: String
    /// What the ABI promises, in one sentence.
    public let promise: String
    /// Returns when the promise is kept; throws `Failure` when not, and `NotOffered` when there is nothing to look at.
    let body: @Sendable (PluginUnderTest) async throws -> Void

    init(_ name: String, _ promise: String, _ body: @escaping @Sendable (PluginUnderTest) async throws -> Void) {
        self.name = name
        self.promise = promise
        self.body = body
    }

    /// Tries the plugin in this process. A plugin that crashes takes the process along: `CheckProcess` keeps it away.
    public func run(_ plugin: PluginUnderTest) async -> Report.Outcome {
        do {
            try await body(plugin)
            return .passed
        } catch let absent as NotOffered {
            return .notOffered(absent.message)
        } catch let failure as Failure {
            return .failed(failure.message)
        } catch {
            return .failed("\(error)")
        }
    }
}

/// A promise that was not kept.
struct Failure: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

/// Nothing to look at.
struct NotOffered: Error {
    var message: String
    init(_ message: String) { self.message = message }
}

/// Fails with `message` unless `condition` holds.
func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    guard condition else { throw Failure(message()) }
}
