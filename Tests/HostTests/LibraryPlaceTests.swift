import Foundation
import Testing

@testable import Host

/// A library's file is replaced whole, and only where it can be put back.
@Suite struct LibraryPlaceTests {
    private let directory = FileManager.default.temporaryDirectory.appendingPathComponent("place-\(UUID().uuidString)")

    /// Runs `body` with a place that holds `old`, and a file with `new`.
    private func with(_ body: (inout LibraryPlace, _ source: String) throws -> Void) throws {
        try FileManager.default.createDirectory(at: directory.appending(path: "plugins"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("old".utf8).write(to: directory.appending(path: "plugins/libx.so"))
        try Data("new".utf8).write(to: directory.appending(path: "libx.so"))
        var place = LibraryPlace(directory: directory.appending(path: "plugins").path, library: "libx.so")
        try body(&place, directory.appending(path: "libx.so").path)
    }

    private func content() throws -> String { try String(contentsOf: directory.appending(path: "plugins/libx.so"), encoding: .utf8) }
    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.appending(path: "plugins").path).sorted()
    }

    @Test func theNewOneStaysOrTheOldOneComesBack() throws {
        try with { place, source in
            try place.put(source)
            #expect(try content() == "new")
            place.putBack()
            #expect(try content() == "old" && files() == ["libx.so"])
            try place.put(source)
            place.keep()
            #expect(try content() == "new" && files() == ["libx.so"])
        }
    }

    @Test func whatCouldNotBePutBackIsNotReplaced() throws {
        try with { place, source in
            try FileManager.default.createDirectory(
                at: directory.appending(path: "plugins/libx.so.before"), withIntermediateDirectories: false)
            #expect(throws: StartupFailure.self) { try place.put(source) }
            #expect(try content() == "old" && files() == ["libx.so", "libx.so.before"])
        }
    }
}
