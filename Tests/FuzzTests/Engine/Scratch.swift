import Foundation

/// Files: such as are made for what reads files, and such as are there.
enum Scratch {
    /// Where the project's sources are.
    static let root = (0..<4).reduce(URL(fileURLWithPath: #filePath)) { place, _ in place.deletingLastPathComponent() }.path

    /// Returns the path; the caller removes the file.
    static func write(_ bytes: [UInt8]) throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-input-\(UUID().uuidString)").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }
}
