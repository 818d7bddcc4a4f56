import Foundation
import PluginHost
import Testing

/// A second machine: the same test program once more, in another network namespace, where it does what it is told line by line.
final class OtherMachine: Sendable {
    private static let variable = "APUS_TESTS_OTHER_MACHINE"

    /// Whether this process is one.
    static let isHere = ProcessInfo.processInfo.environment[variable] != nil

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    /// - Parameter suite: whose test, which is for the other machine alone, runs there.
    init(_ namespace: NetworkNamespace, _ suite: String) throws {
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "nsenter", "--net=\(namespace.path)", Command.executable, "--testing-library", "swift-testing", "--filter", suite,
        ]
        process.environment = ProcessInfo.processInfo.environment.merging([Self.variable: "1"]) { $1 }
        process.standardInput = input
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
    }

    func say(_ line: String) { input.fileHandleForWriting.write(Data("\(line)\n".utf8)) }

    /// Tells it no more, and waits for its end.
    func end() -> (status: Int32, text: String) {
        try? input.fileHandleForWriting.close()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// There: what it is told, until there is no more.
    static func orders() -> AsyncStream<String> {
        AsyncStream { orders in
            startThread(name: "test-orders") {
                while let line = readLine() { orders.yield(line) }
                orders.finish()
            }
        }
    }
}
