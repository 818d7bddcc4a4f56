import Foundation

/// `apus plugin` as an author calls it.
enum Apus {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path

    /// Where the build put the libraries and the executable: beside the test bundle.
    static let products: String = {
        let programs = ["/proc/self/exe"] + CommandLine.arguments
        let directories =
            programs.map { URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent().path } + [root + "/.build/debug"]
        return directories.first { FileManager.default.fileExists(atPath: $0 + "/libruntime-fake.so") } ?? root
    }()

    struct Result {
        var status: Int32
        var lines: [String]
        /// The lines of one sort: `ok`, `FAIL` or `--`.
        func lines(_ sort: String) -> [String] {
            lines.filter { $0.hasPrefix(sort + " ") }.map { String($0.dropFirst(sort.count)).trimmingCharacters(in: .whitespaces) }
        }
    }

    static func test(_ arguments: [String]) async throws -> Result { try await plugin("test", arguments) }

    /// `apus plugin VERB ARGUMENTS`.
    static func plugin(_ verb: String, _ arguments: [String]) async throws -> Result {
        try await run([products + "/apus", "plugin", verb] + arguments)
    }

    static func run(_ words: [String]) async throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let output = Pipe()
        process.standardOutput = output
        return try await withCheckedThrowingContinuation { continuation in
            // Off the cooperative pool: it waits for a process.
            Thread.detachNewThread {
                do {
                    try process.run()
                    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                    process.waitUntilExit()
                    continuation.resume(
                        returning: Result(status: process.terminationStatus, lines: text.split(separator: "\n").map(String.init)))
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}

/// A directory for one test; gone with it.
final class Workshop: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("conformance-\(UUID())").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
        return path + "/" + name
    }

    struct CompilerFailure: Error { let source: String }

    /// Compiles a file of Tests/Fixtures/conformance.
    func compile(_ name: String) throws -> String {
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = [
            "cc", "-std=c11", "-shared", "-fPIC", "-pthread", "-I\(Apus.root)/Sources/PluginAPI/include",
            "\(Apus.root)/Tests/Fixtures/conformance/\(name).c", "-o",
            "\(path)/lib\(name).so",
        ]
        try compiler.run()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else { throw CompilerFailure(source: name) }
        return "\(path)/lib\(name).so"
    }
}
