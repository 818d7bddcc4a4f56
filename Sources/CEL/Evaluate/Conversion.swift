/// The functions that make a value of one type from one of another: `int("5")`, `string(1.5)`.
enum Conversion {
    static func bool(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .bool: return value
        case .string("1"), .string("t"), .string("T"), .string("true"), .string("TRUE"), .string("True"): return .bool(true)
        case .string("0"), .string("f"), .string("F"), .string("false"), .string("FALSE"), .string("False"): return .bool(false)
        default: throw .conversion(value.typeName, "bool")
        }
    }

    static func int(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .int: return value
        case .uint(let uint):
            guard let int = Int64(exactly: uint) else { throw .integerOverflow }
            return .int(int)
        case .double(let double):
            // The bounds themselves are left out: near them a double cannot tell whole numbers apart.
            guard double > -0x1p63, double < 0x1p63 else { throw .integerOverflow }
            return .int(Int64(double))
        case .string(let text):
            if let int = Int64(text) { return .int(int) }
        case .duration(let duration): return .int(duration.nanoseconds)
        case .timestamp(let timestamp): return .int(timestamp.seconds)
        default: break
        }
        throw .conversion(value.typeName, "int")
    }

    static func uint(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .uint: return value
        case .int(let int):
            guard let uint = UInt64(exactly: int) else { throw .unsignedOverflow }
            return .uint(uint)
        case .double(let double):
            guard double >= 0, double < 0x1p64 else { throw .unsignedOverflow }
            return .uint(UInt64(double))
        case .string(let text):
            if text.utf8.first != UInt8(ascii: "+"), let uint = UInt64(text) { return .uint(uint) }
        default: break
        }
        throw .conversion(value.typeName, "uint")
    }

    static func double(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .double: return value
        case .int(let int): return .double(Double(int))
        case .uint(let uint): return .double(Double(uint))
        case .string(let text): if let double = double(text) { return .double(double) }
        default: break
        }
        throw .conversion(value.typeName, "double")
    }

    /// Reads a number as Go does. What is too large for a double is no number.
    static func double(_ text: String) -> Double? {
        let bare = text.lowercased().drop { $0 == "+" || $0 == "-" }
        let names = ["inf", "infinity"]
        if bare.hasPrefix("nan") { return bare == "nan" && text.utf8.count == 3 ? .nan : nil }
        guard let number = Double(text) else { return nil }
        return number.isInfinite && !names.contains(String(bare)) ? nil : number
    }

    static func bytes(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .bytes: return value
        case .string(let text): return .bytes(Array(text.utf8))
        default: throw .conversion(value.typeName, "bytes")
        }
    }

    static func string(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .string: return value
        case .null: return .string("null")
        case .bool(let bool): return .string(String(bool))
        case .int(let int): return .string(String(int))
        case .uint(let uint): return .string(String(uint))
        case .double(let double): return .string(NumberText.shortest(double))
        case .bytes(let bytes):
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw EvaluationError("invalid UTF-8 in bytes, cannot convert to string")
            }
            return .string(text)
        case .duration(let duration): return .string(duration.description)
        case .timestamp(let timestamp): return .string(timestamp.description)
        case .type(let name): return .string(name)
        case .list, .map, .optional, .object: throw .conversion(value.typeName, "string")
        }
    }

    static func duration(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .duration: return value
        case .string(let text): if let duration = DurationValue(text) { return .duration(duration) }
        default: break
        }
        throw .conversion(value.typeName, "google.protobuf.Duration")
    }

    static func timestamp(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .timestamp: return value
        case .int(let seconds):
            guard let timestamp = TimestampValue(seconds: seconds) else { throw .timestampOverflow }
            return .timestamp(timestamp)
        case .string(let text): if let timestamp = TimestampValue(text) { return .timestamp(timestamp) }
        default: break
        }
        throw .conversion(value.typeName, "google.protobuf.Timestamp")
    }
}
