internal import OrderedCollections

/// Builds a value from simdjson's tape: one 64-bit word each, the kind in the top byte, the payload below.
struct JSONTape {
    private let tape: UnsafePointer<UInt64>
    private let strings: UnsafePointer<UInt8>
    /// The first word is the root's.
    private var index = 1
    /// Paths of fields met twice. Each level puts its own part in front of what is found below it, so that nothing is kept for documents
    /// without any.
    private(set) var duplicates: [String]

    init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>, duplicates: [String]) {
        self.tape = tape
        self.strings = strings
        self.duplicates = duplicates
    }

    mutating func value() -> Value {
        let word = tape[index]
        index += 1
        switch UInt8(truncatingIfNeeded: word >> 56) {
        case UInt8(ascii: "\""): return .string(string(word))
        case UInt8(ascii: "{"): return .object(object(count: count(word)))
        case UInt8(ascii: "["): return .array(array(count: count(word)))
        case UInt8(ascii: "l"): return .int(Int64(bitPattern: next()))
        case UInt8(ascii: "u"):
            let number = next()
            return Int64(exactly: number).map(Value.int) ?? .double(Double(number))
        case UInt8(ascii: "d"): return .double(Double(bitPattern: next()))
        case UInt8(ascii: "t"): return .bool(true)
        case UInt8(ascii: "f"): return .bool(false)
        default: return .null
        }
    }

    private mutating func next() -> UInt64 {
        defer { index += 1 }
        return tape[index]
    }

    /// How many elements a container has; above 2^24 the tape does not tell.
    private func count(_ word: UInt64) -> Int { Int(truncatingIfNeeded: (word >> 32) & 0xFF_FFFF) }

    private func string(_ word: UInt64) -> String {
        let start = strings + Int(truncatingIfNeeded: word & 0xFF_FFFF_FFFF_FFFF)
        let count = UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)
        return String(decoding: UnsafeBufferPointer(start: start + 4, count: Int(count)), as: UTF8.self)
    }

    private mutating func object(count: Int) -> Value.Fields {
        var fields = Value.Fields(minimumCapacity: count)
        while UInt8(truncatingIfNeeded: tape[index] >> 56) != UInt8(ascii: "}") {
            let name = string(next())
            let known = duplicates.count
            let field = value()
            if duplicates.count > known { prefixDuplicates(from: known) { $0.hasPrefix("[") ? name + $0 : "\(name).\($0)" } }
            if fields.updateValue(field, forKey: name) != nil { duplicates.append(name) }
        }
        index += 1
        return fields
    }

    private mutating func array(count: Int) -> [Value] {
        var elements: [Value] = []
        elements.reserveCapacity(count)
        while UInt8(truncatingIfNeeded: tape[index] >> 56) != UInt8(ascii: "]") {
            let known = duplicates.count
            elements.append(value())
            if duplicates.count > known {
                let position = elements.count - 1
                prefixDuplicates(from: known) { $0.hasPrefix("[") ? "[\(position)]\($0)" : "[\(position)].\($0)" }
            }
        }
        index += 1
        return elements
    }

    private mutating func prefixDuplicates(from first: Int, _ prefixed: (String) -> String) {
        for index in first..<duplicates.count { duplicates[index] = prefixed(duplicates[index]) }
    }
}
