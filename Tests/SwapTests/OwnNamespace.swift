import Foundation
import Testing

/// Tests that change a network. A namespace is a thread's, and plugins work on threads that the system makes: so such a test runs once
/// more, in a process that was born in one.
enum OwnNamespace {
    private static let variable = "APUS_TESTS_IN_NAMESPACE"

    static let isInside = ProcessInfo.processInfo.environment[variable] != nil

    /// Runs the tests of `suite` in a namespace of their own, and expects `test` to pass there.
    ///
    /// - Parameter setUp: commands that make the network.
    static func run(_ suite: String, _ test: String, setUp: [String]) throws {
        let script = (setUp + ["exec timeout 150 \(Command.executable) --testing-library swift-testing --filter \(suite)"]).joined(
            separator: " && ")
        let output = try Command.run(["unshare", "--net", "--", "sh", "-c", script], environment: [variable: "1"])
        #expect(output.status == 0, "\(output.text)")
        #expect(output.text.contains("\(test)() passed"), "\(output.text)")
    }
}
