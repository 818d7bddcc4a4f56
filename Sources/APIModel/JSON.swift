internal import CSimdJSON

/// JSON text to values and back. All functions are safe from any thread.
public enum JSON {
    /// Text that is not JSON, in the words of Go's decoder, which clients know.
    public struct Error: Swift.Error, Sendable, Equatable, CustomStringConvertible {
        public var message: String
        /// The byte at which it shows.
        public var offset: Int
        public var description: String { message }
    }

    /// How deep arrays and objects may nest.
    static let maximumDepth = 512

    /// Of how many unknown and how many duplicate fields of a document is told at most, as in Go's decoder.
    static let maximumComplaints = 100

    /// Reads one value. Where an object has a field twice the last one counts. An integer beyond 64 bits becomes a double.
    /// - Throws: `JSON.Error` for anything that is not one JSON value in valid UTF-8, or nests too deep.
    public static func decode(_ bytes: [UInt8]) throws -> Value {
        var duplicates: [String] = []
        return try decode(bytes, duplicates: &duplicates)
    }

    /// Reads one value and appends the paths of fields that an object has more than once, the first hundred of them:
    /// `spec.containers[0].image`.
    public static func decode(_ bytes: [UInt8], duplicates: inout [String]) throws -> Value {
        do {
            return try parse(bytes, duplicates: &duplicates)
        } catch let failure {
            guard failure == .number else { throw JSONDiagnosis.error(in: bytes) }
        }
        do {
            return try parse(markingLongIntegers(bytes), duplicates: &duplicates)
        } catch { throw JSONDiagnosis.error(in: bytes) }
    }

    private enum Failure: Swift.Error { case number, other }

    private static func parse(_ bytes: [UInt8], duplicates: inout [String]) throws(Failure) -> Value {
        let json = bytes.withUnsafeBufferPointer { buffer in
            // An empty array can be without storage.
            withUnsafePointer(to: 0 as UInt8) { apus_json_parse(buffer.baseAddress ?? $0, UInt64(buffer.count), UInt32(maximumDepth)) }
        }
        defer { apus_json_release(json) }
        guard let tape = json.tape, let strings = json.strings else { throw json.error == APUS_JSON_NUMBER_ERROR ? .number : .other }
        var walk = JSONTape(tape: tape, strings: strings)
        let value = walk.value()
        if walk.hasDuplicates { duplicates += JSONTape.duplicates(tape: tape, strings: strings) }
        return value
    }

    /// The text with an exponent after each integer of more than 18 digits: the parser takes integers up to 64 bits only, and other numbers
    /// of any length.
    private static func markingLongIntegers(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + 16)
        var index = 0
        while index < bytes.count {
            let start = index
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") { index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1 }
                index = min(index + 1, bytes.count)
                result += bytes[start..<index]
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                var isInteger = true
                while index < bytes.count, isNumber(bytes[index]) {
                    isInteger = isInteger && isDigit(bytes[index])
                    index += 1
                }
                result += bytes[start..<index]
                if isInteger, index - start > 18 { result += [UInt8(ascii: "e"), UInt8(ascii: "0")] }
            default:
                result.append(bytes[index])
                index += 1
            }
        }
        return result
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isNumber(_ byte: UInt8) -> Bool {
        isDigit(byte) || [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"), UInt8(ascii: "-")].contains(byte)
    }
}
