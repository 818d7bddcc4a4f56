package import Foundation

package struct TimedOut: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// Tries `body` until it succeeds, and throws its last failure when the time is over: for what happens in other processes or in the kernel,
/// which announce nothing. Blocks.
@discardableResult
package func eventually<T>(within seconds: TimeInterval = 30, _ body: () throws -> T) throws -> T {
    let end = Date(timeIntervalSinceNow: seconds)
    while true {
        do { return try body() } catch {
            guard Date() < end else { throw error }
            Thread.sleep(forTimeInterval: 0.1)
        }
    }
}

/// Waits until `condition` holds, and throws `what` when the time is over.
package func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(10), _ condition: () -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while !condition() {
        guard ContinuousClock.now < deadline else { throw TimedOut(what()) }
        try await Task.sleep(for: .milliseconds(5))
    }
}
