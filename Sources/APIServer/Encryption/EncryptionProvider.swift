import APIModel
import Crypto
import CryptoExtras
import FoundationEssentials

/// One key, or none: what makes of a record what is kept, and the other way round. The form is upstream's, so that both read what either wrote
/// but for the place that is sealed in.
struct EncryptionProvider: Sendable {
    enum Algorithm: String, Sendable {
        case aesgcm, aescbc
        /// As it is.
        case identity
    }

    let algorithm: Algorithm
    /// What every record begins with that this key has written; empty for `identity`.
    let prefix: [UInt8]
    private let key: SymmetricKey

    /// What is not here is refused by name.
    private static let unsupported = ["secretbox", "kms"]

    /// The keys of one entry of `providers`, the first to write.
    static func read(_ fields: ConfigurationFields) throws -> [EncryptionProvider] {
        for name in unsupported where !fields.value(name).isNull {
            throw fields.problem(name, "is not supported; aesgcm, aescbc and identity are")
        }
        var found: [[EncryptionProvider]] = []
        for algorithm in [Algorithm.aesgcm, .aescbc] {
            if let keys = try fields.object(algorithm.rawValue, { try $0.objects("keys") { try Self.key($0, algorithm) } }) {
                guard !keys.isEmpty else { throw fields.problem("\(algorithm.rawValue).keys", "at least one key is required") }
                found.append(keys)
            }
        }
        if try fields.object("identity", { _ in true }) == true { found.append([EncryptionProvider(.identity, prefix: "", key: [])]) }
        guard found.count == 1 else {
            throw ConfigurationProblem(
                "\(fields.path): "
                    + (found.isEmpty
                        ? "provider does not contain any of the expected providers: AESGCM, AESCBC, Identity"
                        : "more than one provider specified in a single element, should split into different list elements"))
        }
        return found[0]
    }

    private static func key(_ fields: ConfigurationFields, _ algorithm: Algorithm) throws -> EncryptionProvider {
        let (name, secret) = (try fields.required("name"), try fields.required("secret"))
        guard !name.contains(":") else { throw fields.problem("name", "must not contain ':'") }
        guard let bytes = Base64.decode(secret) else { throw fields.problem("secret", "secrets must be base64 encoded") }
        guard [16, 24, 32].contains(bytes.count) else {
            throw fields.problem("secret", "secret is not of the expected length, got \(bytes.count), expected one of [16 24 32]")
        }
        return EncryptionProvider(algorithm, prefix: "k8s:enc:\(algorithm.rawValue):v1:\(name):", key: bytes)
    }

    private init(_ algorithm: Algorithm, prefix: String, key: [UInt8]) {
        self.algorithm = algorithm
        self.prefix = Array(prefix.utf8)
        self.key = SymmetricKey(data: key)
    }

    /// Whether this key wrote it.
    func wrote(_ stored: [UInt8]) -> Bool {
        algorithm == .identity ? !stored.starts(with: Self.encrypted) : stored.starts(with: prefix)
    }

    private static let encrypted = Array("k8s:enc:".utf8)

    /// - Parameter place: where it is kept: what was moved elsewhere cannot be read there.
    func seal(_ bytes: [UInt8], at place: String) throws -> [UInt8] {
        switch algorithm {
        case .identity: return bytes
        case .aesgcm:
            let box = try AES.GCM.seal(bytes, using: key, authenticating: Array(place.utf8))
            return prefix + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
        case .aescbc:
            let vector = AES._CBC.IV()
            return prefix + Array(vector) + Array(try AES._CBC.encrypt(bytes, using: key, iv: vector))
        }
    }

    /// - Parameter stored: something that it wrote.
    func open(_ stored: [UInt8], at place: String) throws -> [UInt8] {
        let rest = stored.dropFirst(prefix.count)
        switch algorithm {
        case .identity: return stored
        case .aesgcm: return Array(try AES.GCM.open(try AES.GCM.SealedBox(combined: rest), using: key, authenticating: Array(place.utf8)))
        case .aescbc:
            guard rest.count >= 32 else { throw ConfigurationProblem("the stored data was shorter than the required size") }
            let vector = try AES._CBC.IV(ivBytes: Array(rest.prefix(16)))
            return Array(try AES._CBC.decrypt(Array(rest.dropFirst(16)), using: key, iv: vector))
        }
    }
}
