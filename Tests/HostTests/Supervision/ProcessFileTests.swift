import Foundation
import Testing

@testable import Host

struct ProcessFileTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("process-file-\(UUID().uuidString)").path

    @Test func isHeldByOneAndToldToOthers() throws {
        defer { unlink(path) }
        let file = ProcessFile(path: path)
        #expect(file.holder == nil)
        #expect(try file.take())
        #expect(file.holder == getpid())
        // Of this process, too: the lock is the descriptor's.
        #expect(try !file.take())
        #expect(file.holder == getpid())
    }

    @Test func isNobodyElsesToOpen() throws {
        defer { unlink(path) }
        try Data("4711\n".utf8).write(to: URL(filePath: path))
        chmod(path, 0o666)
        // What a process left that did not live to end is no holder.
        #expect(ProcessFile(path: path).holder == nil)
        #expect(try ProcessFile(path: path).take())
        var info = stat()
        #expect(stat(path, &info) == 0 && info.st_mode & 0o777 == 0o600)
    }

    @Test func followsNoLink() throws {
        defer { unlink(path) }
        #expect(symlink("/dev/null", path) == 0)
        #expect(throws: StartupFailure.self) { try ProcessFile(path: path).take() }
    }
}

struct DataDirectoryTests {
    private let directory = DataDirectory(FileManager.default.temporaryDirectory.appendingPathComponent("data-\(UUID().uuidString)").path)

    private func make(_ files: [String: String]) throws {
        try FileManager.default.createDirectory(atPath: directory.pkiDirectory, withIntermediateDirectories: true)
        for (name, content) in files { try Data(content.utf8).write(to: URL(filePath: "\(directory.path)/\(name)")) }
    }

    @Test(arguments: [
        ([:], false), (["pki/ca.key": "k"], true), (["pki/ca.key": "k", "store.db": ""], true),
        (["pki/ca.key": "k", "store.db": "objects"], false), (["store.db": "objects"], false),
    ])
    func keysWithoutAStoreAreAskedAbout(files: [String: String], isRefused: Bool) throws {
        defer { try? FileManager.default.removeItem(atPath: directory.path) }
        try make(files)
        if isRefused {
            let failure = #expect(throws: StartupFailure.self) { try directory.checkStore(mayBeEmpty: false) }
            #expect(failure?.message.contains("--empty-store") == true)
        } else {
            try directory.checkStore(mayBeEmpty: false)
        }
        try directory.checkStore(mayBeEmpty: true)
    }
}
