import APIModel
import Logging
import Synchronization
import Testing

@testable import Kubelet

/// Volumes and logs on a real file system.
@Suite struct FileTests {
    @Test func atomicWriter() throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        let writer = AtomicWriter(directory: directory.path)
        func file(_ text: String) -> AtomicWriter.File { .init(bytes: Array(text.utf8), mode: 0o640) }
        #expect(try writer.write(["a": file("1"), "d/b": file("2")]))
        #expect(Files.text(directory.path + "/a") == "1")
        #expect(Files.text(directory.path + "/d/b") == "2")
        #expect(Files.linkTarget(directory.path + "/a") == "..data/a")
        #expect(permissions(of: directory.path + "/a") == 0o640)
        let first = try #require(Files.linkTarget(directory.path + "/..data"))
        #expect(try !writer.write(["a": file("1"), "d/b": file("2")]))
        #expect(Files.linkTarget(directory.path + "/..data") == first)
        #expect(try writer.write(["a": file("3")]))
        #expect(Files.text(directory.path + "/a") == "3")
        #expect(!Files.exists(directory.path + "/d"))
        #expect(!Files.exists(directory.path + "/" + first))
    }

    @Test func hostPathTypes() throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        try HostPath.check(directory.path + "/new", type: "DirectoryOrCreate")
        try HostPath.check(directory.path + "/file", type: "FileOrCreate")
        let error = #expect(throws: ConfigurationError.self) { try HostPath.check(directory.path + "/file", type: "Directory") }
        #expect(error?.message == "hostPath type check failed: \(directory.path)/file is not a directory")
    }

    static let log = """
        2026-01-02T03:04:05.000000001Z stdout F one
        2026-01-02T03:04:06.000000001Z stderr F two
        2026-01-02T03:04:07.000000001Z stdout P thr
        2026-01-02T03:04:07.000000002Z stdout F ee
        2026-01-02T03:04:08.000000001Z stdout F four

        """

    static let readings: [([(String, String)], String)] = [
        ([], "one\ntwo\nthree\nfour\n"), ([("tailLines", "2")], "ee\nfour\n"), ([("tailLines", "0")], ""),
        ([("limitBytes", "5")], "one\nt"), ([("stream", "Stderr")], "two\n"),
        ([("sinceTime", "2026-01-02T03:04:07Z")], "three\nfour\n"),
        ([("tailLines", "1"), ("timestamps", "true")], "2026-01-02T03:04:08.000000001Z four\n"),
        // Farther away than nanoseconds can say.
        ([("sinceTime", "9999-12-31T23:59:59Z")], ""), ([("sinceTime", "0001-01-01T00:00:00Z")], "one\ntwo\nthree\nfour\n"),
        ([("sinceSeconds", "\(Int64.max)")], "one\ntwo\nthree\nfour\n"),
    ]

    @Test(arguments: readings) func readsLogs(_ query: [(String, String)], _ expected: String) async throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.path + "/0.log"
        try Files.write(Array(Self.log.utf8), to: path)
        let options = try LogOptions(query.map { (name: $0.0, value: $0.1) }, now: 0)
        let shown = Shown()
        try await LogReader(path: path, options: options).read(isRunning: { false }, write: { shown.add($0) })
        #expect(shown.text == expected)
    }

    @Test func followsThroughRotation() async throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.path + "/0.log"
        try Files.write(Array("2026-01-02T03:04:05Z stdout F one\n".utf8), to: path)
        var options = LogOptions()
        options.follow = true
        let reader = LogReader(path: path, options: options)
        let shown = Shown()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reader.read(isRunning: { shown.isRunning.load(ordering: .relaxed) }, write: { shown.add($0) }) }
            while shown.text.count < 4 { try await Task.sleep(for: .milliseconds(5)) }
            try Files.rename(path, to: path + ".20260102-030405")
            try Files.write(Array("2026-01-02T03:04:06Z stdout F two\n".utf8), to: path)
            while shown.text.count < 8 { try await Task.sleep(for: .milliseconds(5)) }
            shown.isRunning.store(false, ordering: .relaxed)
            try await group.waitForAll()
        }
        #expect(shown.text == "one\ntwo\n")
    }

    @Test func rotatesAndGoesBackOnFailure() async throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        let runtime = FakeRuntime()
        let path = directory.path + "/0.log"
        try Files.write([1, 2, 3], to: path)
        var configuration = KubeletConfiguration(
            nodeName: "n", nodeAddresses: [], podCIDR: "", rootDirectory: directory.path, podLogsDirectory: directory.path,
            version: "v1.36.0")
        configuration.containerLogMaxFiles = 3
        let rotation = LogRotation(configuration: configuration, cri: CRI(runtime: runtime), log: .init(label: "test"))
        // The runtime of the tests does not know how to reopen a log.
        await #expect(throws: RuntimeFailure.self) { try await rotation.rotate(path, container: "c1") }
        #expect(Files.read(path) == [1, 2, 3])
        #expect(LogRotation.stamp(1_767_323_045) == "20260102-030405")
    }

    @Test func longLogsAreReadFromTheEnd() throws {
        let directory = TemporaryDirectory()
        defer { directory.remove() }
        let path = directory.path + "/0.log"
        let lines = (0..<5000).map { "2026-01-02T03:04:05Z stdout F line \($0) of a log that is longer than one block\n" }
        try Files.write(Array(lines.joined().utf8), to: path)
        #expect(LogTail.last(3000, of: path).count == 3000)
        #expect(
            LogTail.last(1, of: path).map { String(decoding: $0.message, as: UTF8.self) } == [
                "line 4999 of a log that is longer than one block\n"
            ])
        #expect(LogTail.last(9000, of: path).count == 5000)
    }

    @Test func base64() {
        for text in ["", "a", "ab", "abc", "abcd"] { #expect(Base64.decode(Base64.encode(Array(text.utf8))) == Array(text.utf8)) }
        #expect(Base64.encode(Array("ab".utf8)) == "YWI=")
        #expect(Base64.decode("!") == nil)
    }
}

/// What a reader of a log was shown.
private final class Shown: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    let isRunning = Atomic(true)
    func add(_ more: [UInt8]) { bytes.withLock { $0 += more } }
    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }
}
