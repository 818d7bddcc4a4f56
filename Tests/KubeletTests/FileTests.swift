import APIModel
import FileSystem
import Glibc
import Logging
import Synchronization
import Testing

@testable import Kubelet

/// Volumes and logs on a real file system.
@Suite struct FileTests {
    @Test func atomicWriter() throws {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        let volume = try scratch.directory
        let writer = AtomicWriter(volume: volume)
        func file(_ text: String) -> AtomicWriter.File { .init(bytes: Array(text.utf8), mode: 0o640) }
        #expect(try writer.write(["a": file("1"), "d/b": file("2")]))
        #expect(Files.text(scratch.path + "/a") == "1")
        #expect(Files.text(scratch.path + "/d/b") == "2")
        #expect(volume.linkTarget("a") == "..data/a")
        #expect(permissions(of: scratch.path + "/a") == 0o640)
        let first = try #require(volume.linkTarget("..data"))
        #expect(try !writer.write(["a": file("1"), "d/b": file("2")]))
        #expect(volume.linkTarget("..data") == first)
        // A volume that is mounted inside this one.
        _ = try volume.make("inner")
        #expect(try writer.write(["a": file("3")]))
        #expect(Files.text(scratch.path + "/a") == "3")
        #expect(try volume.names() == ["..data", try #require(volume.linkTarget("..data")), "a", "inner"].sorted())
    }

    @Test(arguments: [
        ("", "invalid path: must not be empty: \"\""), ("/etc/x", "invalid path: must be relative path: /etc/x"),
        ("a/../b", "invalid path: must not contain '..': a/../b"), ("..data", "invalid path: must not start with '..': ..data"),
    ]) func payloadsStayInTheirVolume(_ path: String, _ message: String) throws {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        let error = #expect(throws: ConfigurationError.self) {
            try AtomicWriter(volume: try scratch.directory).write([path: .init(bytes: [], mode: 0o644)])
        }
        #expect(error?.message == message)
    }

    /// As `SetVolumeOwnership` has it for a volume that is read-only: the group's read bit is added, and nothing taken away.
    @Test func aGroupMayReadTheVolume() throws {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        let files: [String: AtomicWriter.File] = [
            "token": .init(bytes: [1], mode: 0o600, user: 1234), "plain": .init(bytes: [2], mode: 0o644),
            "d/closed": .init(bytes: [3], mode: 0o400),
        ]
        try AtomicWriter(volume: try scratch.directory).write(files, group: 2345)
        func owner(_ path: String) -> [UInt32] { Files.status("\(scratch.path)/\(path)").map { [$0.user, $0.group] } ?? [] }
        #expect(permissions(of: scratch.path + "/token") == 0o640 && owner("token") == [1234, 2345])
        #expect(permissions(of: scratch.path + "/plain") == 0o644 && owner("plain") == [0, 2345])
        #expect(permissions(of: scratch.path + "/d/closed") == 0o440 && owner("d/closed") == [0, 2345])
        #expect(permissions(of: scratch.path + "/d") == 0o2755 && owner("d") == [0, 2345])
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

    /// A log of a container, below a directory of all logs.
    private static func log(_ text: String, in scratch: TemporaryDirectory) throws -> ContainerLogFile {
        try scratch.directory.make("pod").create("0.log", Array(text.utf8), mode: 0o640)
        return ContainerLogFile(scratch.path + "/pod/0.log", configuration(scratch))
    }

    private static func configuration(_ scratch: TemporaryDirectory) -> KubeletConfiguration {
        KubeletConfiguration(
            nodeName: "n", nodeAddresses: [], podCIDRs: [], rootDirectory: scratch.path, podLogsDirectory: scratch.path, version: "v1.36.0")
    }

    @Test(arguments: readings) func readsLogs(_ query: [(String, String)], _ expected: String) async throws {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        let options = try LogOptions(query.map { (name: $0.0, value: $0.1) }, now: 0)
        let shown = Shown()
        let reader = LogReader(log: try Self.log(Self.log, in: scratch), options: options, disk: BlockingWork())
        try await reader.read(isRunning: { false }, write: { shown.add($0) })
        #expect(shown.text == expected)
    }

    @Test func followsThroughRotation() async throws {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        let log = try Self.log("2026-01-02T03:04:05Z stdout F one\n", in: scratch)
        var options = LogOptions()
        options.follow = true
        let reader = LogReader(log: log, options: options, disk: BlockingWork())
        let shown = Shown()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reader.read(isRunning: { shown.isRunning.load(ordering: .relaxed) }, write: { shown.add($0) }) }
            while shown.text.count < 4 { try await Task.sleep(for: .milliseconds(5)) }
            try log.directory().rename("0.log", to: "0.log.20260102-030405")
            try log.directory().create("0.log", Array("2026-01-02T03:04:06Z stdout F two\n".utf8), mode: 0o640)
            while shown.text.count < 8 { try await Task.sleep(for: .milliseconds(5)) }
            shown.isRunning.store(false, ordering: .relaxed)
            try await group.waitForAll()
        }
        #expect(shown.text == "one\ntwo\n")
    }

    @Test func rotatesAndGoesBackOnFailure() async throws {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        let log = try Self.log("abc", in: scratch)
        var configuration = Self.configuration(scratch)
        configuration.containerLogMaxFiles = 3
        let rotation = LogRotation(
            configuration: configuration, cri: CRI(runtime: FakeRuntime()), disk: BlockingWork(), log: .init(label: "test"))
        // The runtime of the tests does not know how to reopen a log.
        await #expect(throws: RuntimeFailure.self) { try await rotation.rotate(log, container: "c1") }
        #expect(try log.directory().names() == ["0.log"] && Files.text(log.path) == "abc")
        #expect(LogRotation.stamp(1_767_323_045) == "20260102-030405")
    }

    @Test func longLogsAreReadFromTheEnd() throws {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        let lines = (0..<5000).map { "2026-01-02T03:04:05Z stdout F line \($0) of a log that is longer than one block\n" }
        let log = try Self.log(lines.joined(), in: scratch).open()
        #expect(LogTail.last(3000, of: log).count == 3000)
        #expect(
            LogTail.last(1, of: log).map { String(decoding: $0.message, as: UTF8.self) } == [
                "line 4999 of a log that is longer than one block\n"
            ])
        #expect(LogTail.last(9000, of: log).count == 5000)
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
