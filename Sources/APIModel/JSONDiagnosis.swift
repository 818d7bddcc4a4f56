/// Finds out what is wrong with text that the parser refused, and says it in the words of Go's `encoding/json`. Slow and only for errors.
struct JSONDiagnosis {
    private let bytes: [UInt8]
    private var index = 0

    static func error(in bytes: [UInt8]) -> JSON.Error {
        var diagnosis = JSONDiagnosis(bytes: bytes)
        do throws(JSON.Error) {
            try diagnosis.value(depth: 0)
            diagnosis.skipSpace()
            if diagnosis.index < bytes.count { return diagnosis.unexpected("after top-level value") }
        } catch { return error }
        // The grammar is kept, so it is something inside a string or a number.
        if let offset = invalidUTF8(in: bytes) { return JSON.Error(message: "invalid UTF-8 in string literal", offset: offset) }
        return JSON.Error(message: "a number is out of range or a string has half a surrogate pair", offset: 0)
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private static func invalidUTF8(in bytes: [UInt8]) -> Int? {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): offset += UTF8.width(scalar)
            case .emptyInput: return nil
            case .error: return offset
            }
        }
    }

    private func unexpected(_ context: String) -> JSON.Error {
        guard index < bytes.count else { return JSON.Error(message: "unexpected end of JSON input", offset: index) }
        let quoted =
            switch bytes[index] {
            case UInt8(ascii: "'"): "'\\''"
            case UInt8(ascii: "\n"): "'\\n'"
            case UInt8(ascii: "\r"): "'\\r'"
            case UInt8(ascii: "\t"): "'\\t'"
            case 0x20..<0x7F: "'\(Character(Unicode.Scalar(bytes[index])))'"
            case let byte: "'\\x\(byte < 16 ? "0" : "")\(String(byte, radix: 16))'"
            }
        return JSON.Error(message: "invalid character \(quoted) \(context)", offset: index)
    }

    private mutating func skipSpace() {
        while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
    }

    private func at(_ byte: Unicode.Scalar) -> Bool { index < bytes.count && bytes[index] == UInt8(ascii: byte) }

    private mutating func value(depth: Int) throws(JSON.Error) {
        guard depth < JSON.maximumDepth else { throw JSON.Error(message: "exceeded max depth", offset: index) }
        skipSpace()
        guard index < bytes.count else { throw unexpected("") }
        switch bytes[index] {
        case UInt8(ascii: "{"): try object(depth: depth)
        case UInt8(ascii: "["): try array(depth: depth)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        default: throw unexpected("looking for beginning of value")
        }
    }

    private mutating func object(depth: Int) throws(JSON.Error) {
        index += 1
        skipSpace()
        if at("}") {
            index += 1
            return
        }
        while true {
            skipSpace()
            guard at("\"") else { throw unexpected("looking for beginning of object key string") }
            try string()
            skipSpace()
            guard at(":") else { throw unexpected("after object key") }
            index += 1
            try value(depth: depth + 1)
            skipSpace()
            let isEnd = at("}")
            guard isEnd || at(",") else { throw unexpected("after object key:value pair") }
            index += 1
            if isEnd { return }
        }
    }

    private mutating func array(depth: Int) throws(JSON.Error) {
        index += 1
        skipSpace()
        if at("]") {
            index += 1
            return
        }
        while true {
            try value(depth: depth + 1)
            skipSpace()
            let isEnd = at("]")
            guard isEnd || at(",") else { throw unexpected("after array element") }
            index += 1
            if isEnd { return }
        }
    }

    private mutating func string() throws(JSON.Error) {
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            if bytes[index] < 0x20 { throw unexpected("in string literal") }
            if bytes[index] == UInt8(ascii: "\\") { try escape() }
            index += 1
        }
        guard index < bytes.count else { throw unexpected("") }
        index += 1
    }

    /// Stops at the escape's last byte.
    private mutating func escape() throws(JSON.Error) {
        index += 1
        if at("u") {
            for _ in 0..<4 {
                index += 1
                guard index < bytes.count, Character(Unicode.Scalar(bytes[index])).isHexDigit else {
                    throw unexpected("in \\u hexadecimal character escape")
                }
            }
        } else if index >= bytes.count || !"\"\\/bfnrt".utf8.contains(bytes[index]) {
            throw unexpected("in string escape code")
        }
    }

    private mutating func literal(_ word: StaticString) throws(JSON.Error) {
        for expected in word.description.utf8 {
            guard index < bytes.count, bytes[index] == expected else {
                throw unexpected("in literal \(word) (expecting '\(Character(Unicode.Scalar(expected)))')")
            }
            index += 1
        }
    }

    private mutating func digits(_ context: String) throws(JSON.Error) {
        guard index < bytes.count, isDigit else { throw unexpected(context) }
        while index < bytes.count, isDigit { index += 1 }
    }

    private var isDigit: Bool { bytes[index] >= UInt8(ascii: "0") && bytes[index] <= UInt8(ascii: "9") }

    private mutating func number() throws(JSON.Error) {
        if at("-") { index += 1 }
        if at("0") { index += 1 } else { try digits("in numeric literal") }
        if at(".") {
            index += 1
            try digits("after decimal point in numeric literal")
        }
        if at("e") || at("E") {
            index += 1
            if at("+") || at("-") { index += 1 }
            try digits("in exponent of numeric literal")
        }
    }
}
