internal import APIModel
internal import Crypto
internal import Glibc
internal import OrderedCollections

/// SHA-256, as 64 hexadecimal digits.
enum Fingerprint {
    /// Of a value, whatever the order of its fields.
    static func of(_ value: Value) -> String { hexadecimal(SHA256.hash(data: JSON.encode(sorted(value)))) }

    /// Of the file that one of `directories` has under `name`, the first that has it; `nil` when none has, or when it cannot be read. Blocks.
    static func of(library name: String, in directories: [String]) -> String? {
        for directory in directories {
            let file = open("\(directory)/\(name)", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { continue }
            defer { close(file) }
            var hash = SHA256()
            var buffer = [UInt8](repeating: 0, count: 1 << 18)
            while true {
                let count = read(file, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { return nil }
                if count == 0 { return hexadecimal(hash.finalize()) }
                hash.update(data: buffer[..<count])
            }
        }
        return nil
    }

    private static func sorted(_ value: Value) -> Value {
        switch value {
        case .object(let fields): .object(Value.Fields(uniqueKeysWithValues: fields.sorted { $0.key < $1.key }.map { ($0.key, sorted($0.value)) }))
        case .array(let elements): .array(elements.map(sorted))
        default: value
        }
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
