import Foundation
import Testing

/// Where an author works: a directory of their own, and the executable that was built beside these tests.
final class Workbench {
    let directory: URL
    static let products = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
    static let executable = products.appending(path: "apus").path
    /// The SDK is made from what was just built, so that it is never older than what is tested.
    private static let sdk = Result {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let made = try run(["\(root.path)/scripts/sdk", products.lastPathComponent], in: root)
        try #require(made.status == 0, "\(made.text)")
    }

    struct Ran {
        var status: Int32
        /// Both streams, in the order of writing.
        var text: String
        var lines: [String] { text.split(separator: "\n").map(String.init) }
    }

    init() throws {
        try #require(
            FileManager.default.isExecutableFile(atPath: Self.executable),
            "\(Self.executable) is not built: run `scripts/build debug` first")
        try Self.sdk.get()
        directory = FileManager.default.temporaryDirectory.appending(path: "apus-author-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func apus(_ arguments: String...) throws -> Ran { try Self.run([Self.executable] + arguments, in: directory) }
    func make(_ project: String, _ arguments: String...) throws -> Ran {
        try Self.run(["make"] + arguments, in: directory.appending(path: project))
    }

    func write(_ text: String, to file: String) throws {
        try text.write(to: directory.appending(path: file), atomically: true, encoding: .utf8)
    }
    func read(_ file: String) throws -> String { try String(contentsOf: directory.appending(path: file), encoding: .utf8) }

    /// Compiles C into a library as no author should: without the SDK's flags.
    @discardableResult
    func library(_ name: String, _ source: String, _ flags: String...) throws -> String {
        try write(source, to: "\(name).c")
        let headers = Self.products.appending(path: "sdk/include").path
        let compiled = try Self.run(["cc", "-shared", "-fPIC", "-I\(headers)", "\(name).c", "-o", "\(name).so"] + flags, in: directory)
        try #require(compiled.status == 0, "\(compiled.text)")
        return "\(name).so"
    }

    static func run(_ words: [String], in directory: URL) throws -> Ran {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/timeout")
        process.arguments = ["-k", "5", "240"] + words
        process.currentDirectoryURL = directory
        process.standardInput = FileHandle.nullDevice
        // A file and not a pipe: a program that is left behind must not keep us waiting.
        let log = FileManager.default.temporaryDirectory.appending(path: "apus-author-output-\(UUID())")
        try Data().write(to: log)
        defer { try? FileManager.default.removeItem(at: log) }
        let output = try FileHandle(forUpdating: log)
        try output.seekToEnd()
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
        process.waitUntilExit()
        try output.close()
        return Ran(status: process.terminationStatus, text: try String(contentsOf: log, encoding: .utf8))
    }
}
