import APIModel
import Foundation

/// The elements of `Fixtures/<name>.json`.
func fixture(_ name: String) throws -> [Value] {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures/\(name).json")
    return try JSON.decode([UInt8](Data(contentsOf: file))).elements
}
