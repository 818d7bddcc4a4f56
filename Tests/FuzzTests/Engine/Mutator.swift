import APIModel
import OrderedCollections

/// Makes inputs from inputs: nearly right ones, and such as programs trip over.
struct Mutator {
    var dice: Dice
    private let words: [[UInt8]]
    private let longest: Int
    private let isJSON: Bool

    init(dice: Dice, words: [String], longest: Int, isJSON: Bool = false) {
        self.dice = dice
        self.isJSON = isJSON
        self.words = (words + words + Self.common + Extremes.texts.filter { $0.utf8.count < 100 }).map { Array($0.utf8) }
        self.longest = longest
    }

    private static let common = [
        "\u{0}", "\n", "\r\n", "\r\n\r\n", " ", "\t", "{", "}", "[", "]", "(", ")", ",", ":", ";", "=", "\"", "'", "\\", "/", "%", "-", ".",
        "null", "0", "-1",
    ]

    mutating func mutate(_ input: [UInt8], _ corpus: [[UInt8]]) -> [UInt8] {
        if isJSON, dice.once(in: 2), var value = try? JSON.decode(input) {
            for _ in 0..<dice.pick([1, 1, 2, 4]) { change(&value, depth: 0) }
            return Array(JSON.encode(value).prefix(longest))
        }
        var bytes = input
        for _ in 0..<dice.pick([1, 1, 1, 2, 3, 6]) { change(&bytes, corpus) }
        return Array(bytes.prefix(longest))
    }

    private mutating func change(_ bytes: inout [UInt8], _ corpus: [[UInt8]]) {
        switch dice.number(0...13) {
        case 0: flip(&bytes)
        case 1: setByte(&bytes)
        case 2: bytes.removeSubrange(range(in: bytes, atMost: dice.pick([1, 4, 64])))
        case 3: bytes = dice.once(in: 2) ? Array(bytes[..<place(in: bytes)]) : Array(bytes[place(in: bytes)...])
        case 4, 5: insert(dice.pick(words), into: &bytes)
        case 6: bytes.replaceSubrange(range(in: bytes, atMost: 8), with: dice.pick(words))
        case 7: splice(&bytes, dice.pick(corpus))
        case 8, 9: replaceNumber(&bytes)
        case 10: setInteger(&bytes)
        case 11: nest(&bytes)
        case 12: repeatRange(&bytes)
        default: insert((0..<dice.number(1...4)).map { _ in UInt8(truncatingIfNeeded: dice.next()) }, into: &bytes)
        }
    }

    private mutating func place(in bytes: [UInt8]) -> Int { dice.number(0...bytes.count) }

    private mutating func range(in bytes: [UInt8], atMost count: Int) -> Range<Int> {
        let start = place(in: bytes)
        return start..<min(bytes.count, start + dice.number(0...count))
    }

    private mutating func insert(_ word: [UInt8], into bytes: inout [UInt8]) { bytes.insert(contentsOf: word, at: place(in: bytes)) }

    private mutating func flip(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        bytes[dice.number(0...bytes.count - 1)] ^= 1 << UInt8(dice.number(0...7))
    }

    private mutating func setByte(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        bytes[dice.number(0...bytes.count - 1)] = dice.pick([0, 1, 0x7F, 0x80, 0xFF, UInt8(truncatingIfNeeded: dice.next())])
    }

    /// A part of another input in the place of a part of this one.
    private mutating func splice(_ bytes: inout [UInt8], _ other: [UInt8]) {
        bytes.replaceSubrange(range(in: bytes, atMost: 64), with: other[range(in: other, atMost: 256)])
    }

    /// Another number where digits stand.
    private mutating func replaceNumber(_ bytes: inout [UInt8]) {
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        let starts = bytes.indices.filter { isDigit(bytes[$0]) && ($0 == 0 || !isDigit(bytes[$0 - 1])) }
        guard !starts.isEmpty else { return setInteger(&bytes) }
        let start = dice.pick(starts)
        let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
        let number = dice.once(in: 4) ? dice.pick(Extremes.numberTexts) : String(dice.pick(Extremes.integers))
        bytes.replaceSubrange(start..<end, with: Array(number.utf8))
    }

    /// An extreme number in some binary form over what is there: a length, a count, an offset.
    private mutating func setInteger(_ bytes: inout [UInt8]) {
        let number = UInt64(bitPattern: dice.pick(Extremes.integers))
        var encoded: [UInt8]
        if dice.once(in: 3) {
            encoded = []
            var rest = number
            repeat {
                encoded.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
                rest >>= 7
            } while rest > 0
        } else {
            encoded = (0..<dice.pick([1, 2, 3, 4, 8])).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
            if dice.once(in: 2) { encoded.reverse() }
        }
        let start = place(in: bytes)
        bytes.replaceSubrange(start..<min(bytes.count, start + encoded.count), with: encoded)
    }

    /// Something that opens many times over, mostly with what closes it.
    private mutating func nest(_ bytes: inout [UInt8]) {
        let pairs = [
            ("[", "]"), ("{", "}"), ("(", ")"), ("{\"a\":", "}"), ("[[],", "]"), ("a: {", "}"), ("!", ""), ("-", ""), ("- ", ""),
            ("a?b:", ""), ("(a|", ")*"), ("$(", ")"), ("a.", ""), ("/a", ""), ("$", "$"),
        ]
        let (open, close) = dice.pick(pairs)
        let count = dice.pick([2, 20, 200, 2_000, 10_000])
        let inner = range(in: bytes, atMost: 32)
        let opening = Array(repeatElement(Array(open.utf8), count: count).joined())
        let closing = dice.once(in: 4) ? [] : Array(repeatElement(Array(close.utf8), count: count).joined())
        bytes.replaceSubrange(inner, with: opening + bytes[inner] + closing)
    }

    private mutating func repeatRange(_ bytes: inout [UInt8]) {
        let range = range(in: bytes, atMost: 64)
        guard !range.isEmpty else { return }
        let count = min(dice.pick([1, 2, 10, 100, 1_000]), max(1, longest / range.count))
        bytes.insert(contentsOf: repeatElement(bytes[range], count: count).joined(), at: range.upperBound)
    }
}

// Changes to JSON that leave it JSON.
extension Mutator {
    private mutating func change(_ value: inout Value, depth: Int) {
        switch value {
        case .object(let fields) where !fields.isEmpty && (depth == 0 || !dice.once(in: 8)):
            let name = dice.pick(fields.keys)
            switch dice.number(0...11) {
            case 0: value.fields[name] = nil
            case 1: value.fields[dice.pick(Extremes.texts)] = fields[name]
            case 2: value.fields[dice.pick(fields.keys)] = fields[name]
            case 3: value.fields[String(decoding: dice.pick(words), as: UTF8.self)] = leaf()
            default: change(&value.fields[name, default: .null], depth: depth + 1)
            }
        case .array(let elements) where !elements.isEmpty && (depth == 0 || !dice.once(in: 8)):
            let index = dice.number(0...elements.count - 1)
            switch dice.number(0...9) {
            case 0: value.elements.remove(at: index)
            case 1: value.elements.insert(elements[index], at: dice.number(0...elements.count))
            case 2: value.elements = Array(repeatElement(elements[index], count: dice.pick([2, 20, 200])))
            default: change(&value.elements[index], depth: depth + 1)
            }
        default:
            switch dice.number(0...5) {
            case 0: for _ in 0..<dice.pick([1, 10, 100]) { value = [value] }
            case 1: for _ in 0..<dice.pick([1, 10, 100]) { value = ["spec": value] }
            default: value = leaf()
            }
        }
    }

    private mutating func leaf() -> Value {
        switch dice.number(0...9) {
        case 0: dice.pick([.null, true, false, [], .emptyObject] as [Value])
        case 1, 2: .int(dice.pick(Extremes.integers))
        case 3: .double(dice.pick(Extremes.doubles))
        case 4: .string(dice.pick(Extremes.quantities))
        case 5: .string(dice.pick(Extremes.times))
        case 6: .string(String(decoding: dice.pick(words), as: UTF8.self))
        default: .string(dice.pick(Extremes.texts))
        }
    }
}
