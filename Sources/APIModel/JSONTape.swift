internal import OrderedCollections

/// Builds a value from simdjson's tape: one 64-bit word each, the kind in the top byte, the payload below.
struct JSONTape {
    private let tape: UnsafePointer<UInt64>
    private let strings: UnsafePointer<UInt8>
    /// The first word is the root's.
    private var index = 1
    /// Whether an object had a field twice. Which one, a walk of its own finds out.
    private(set) var hasDuplicates = false

    init(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>) {
        self.tape = tape
        self.strings = strings
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
            if fields.updateValue(value(), forKey: name) != nil { hasDuplicates = true }
        }
        index += 1
        return fields
    }

    private mutating func array(count: Int) -> [Value] {
        var elements: [Value] = []
        elements.reserveCapacity(count)
        while UInt8(truncatingIfNeeded: tape[index] >> 56) != UInt8(ascii: "]") {
            elements.append(value())
        }
        index += 1
        return elements
    }
}

// Which fields are there twice: a second walk over a document that has some.
extension JSONTape {
    static func duplicates(tape: UnsafePointer<UInt64>, strings: UnsafePointer<UInt8>) -> [String] {
        var walk = JSONTape(tape: tape, strings: strings)
        var trail = Trail()
        var found: [String] = []
        walk.findDuplicates(&trail, &found)
        return found
    }

    private mutating func findDuplicates(_ trail: inout Trail, _ found: inout [String]) {
        let word = next()
        switch UInt8(truncatingIfNeeded: word >> 56) {
        case UInt8(ascii: "{"):
            var names: Set<String> = []
            while UInt8(truncatingIfNeeded: tape[index] >> 56) != UInt8(ascii: "}") {
                let name = string(next())
                trail.push(.name(name))
                findDuplicates(&trail, &found)
                trail.pop()
                if !names.insert(name).inserted, found.count < JSON.maximumComplaints { found.append(trail.text(to: name)) }
            }
            index += 1
        case UInt8(ascii: "["):
            var position = 0
            while UInt8(truncatingIfNeeded: tape[index] >> 56) != UInt8(ascii: "]") {
                trail.push(.index(position))
                findDuplicates(&trail, &found)
                trail.pop()
                position += 1
            }
            index += 1
        case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"): index += 1
        default: break
        }
    }
}
