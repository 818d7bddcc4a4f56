import APIModel
import Crypto
import CryptoExtras
import FoundationEssentials

/// One key, or none: what makes of a record what is kept, and the other way round. The form is upstream's, so that both read what either wrote
/// but for the place that is sealed in.
struct EncryptionProvider: Sendable {
    private enum Cipher: Sendable {
        case aesgcm([UInt8])
        case aescbc([UInt8])
        case kms(KeyService)
        /// As it is.
        case identity
    }

    private let cipher: Cipher
    /// What every record begins with that this key has written; empty for `identity`.
    let prefix: [UInt8]

    /// What is not here is refused by name: the crypto library has no XSalsa20.
    private static let unsupported = "secretbox"
    private static let ciphers: [(name: String, make: @Sendable ([UInt8]) -> Cipher)] = [
        ("aesgcm", { .aesgcm($0) }), ("aescbc", { .aescbc($0) }),
    ]

    /// The keys of one entry of `providers`, the first to write.
    static func read(_ fields: ConfigurationFields) throws -> [EncryptionProvider] {
        guard fields.value(unsupported).isNull else {
            throw fields.problem(unsupported, "is not supported; aesgcm, aescbc, kms and identity are")
        }
        var found: [[EncryptionProvider]] = []
        for (name, make) in ciphers {
            guard let keys = try fields.object(name, { try $0.objects("keys") { try key($0, name, make) } }) else { continue }
            guard !keys.isEmpty else { throw fields.problem("\(name).keys", "at least one key is required") }
            found.append(keys)
        }
        if let service = try fields.object("kms", keyService) {
            found.append([EncryptionProvider(.kms(service), prefix: "k8s:enc:kms:v2:\(service.name):")])
        }
        if try fields.object("identity", { _ in true }) == true { found.append([EncryptionProvider(.identity, prefix: "")]) }
        guard found.count == 1 else {
            throw ConfigurationProblem(
                "\(fields.path): "
                    + (found.isEmpty
                        ? "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Identity"
                        : "more than one provider specified in a single element, should split into different list elements"))
        }
        return found[0]
    }

    private static func key(
        _ fields: ConfigurationFields, _ cipher: String, _ make: ([UInt8]) -> Cipher
    ) throws -> EncryptionProvider {
        let (name, secret) = (try fields.required("name"), try fields.required("secret"))
        guard !name.contains(":") else { throw fields.problem("name", "must not contain ':'") }
        guard let bytes = Base64.decode(secret) else { throw fields.problem("secret", "secrets must be base64 encoded") }
        guard [16, 24, 32].contains(bytes.count) else {
            throw fields.problem("secret", "secret is not of the expected length, got \(bytes.count), expected one of [16 24 32]")
        }
        return EncryptionProvider(make(bytes), prefix: "k8s:enc:\(cipher):v1:\(name):")
    }

    private static let scheme = "unix://"
    private static let timeout = Duration.seconds(3)

    private static func keyService(_ fields: ConfigurationFields) throws -> KeyService {
        let name = try fields.required("name")
        let version = try fields.string("apiVersion") ?? "v1"
        guard version == "v2" else {
            throw fields.problem("apiVersion", "unsupported apiVersion \(version) for KMS provider, only v2 is supported")
        }
        guard !name.contains(":") else { throw fields.problem("name", "invalid KMS provider name \(name), must not contain ':'") }
        guard fields.value("cachesize").isNull else { throw fields.problem("cachesize", "cachesize is not supported in v2") }
        let endpoint = try fields.required("endpoint")
        guard endpoint.hasPrefix(scheme + "/") || endpoint.hasPrefix(scheme + "@") else {
            throw fields.problem("endpoint", "\(FieldError.quoted(endpoint)): only a socket is supported: unix:///path")
        }
        let timeout = try fields.duration("timeout") ?? timeout
        guard timeout > .zero else { throw fields.problem("timeout", "timeout should be a positive value") }
        return KeyService(name: name, socket: String(endpoint.dropFirst(scheme.count)), timeout: timeout)
    }

    private init(_ cipher: Cipher, prefix: String) {
        self.cipher = cipher
        self.prefix = Array(prefix.utf8)
    }

    /// The plugin that keeps its key.
    var service: KeyService? {
        if case .kms(let service) = cipher { service } else { nil }
    }

    /// The key by which it writes now.
    var writer: String { String(decoding: prefix, as: UTF8.self) + (service?.keyID ?? "") }

    /// Whether this key wrote it.
    func wrote(_ stored: [UInt8]) -> Bool {
        if case .identity = cipher { !stored.starts(with: Self.encrypted) } else { stored.starts(with: prefix) }
    }

    private static let encrypted = Array("k8s:enc:".utf8)

    /// - Parameter place: where it is kept: what was moved elsewhere cannot be read there.
    func seal(_ bytes: [UInt8], at place: String) throws -> [UInt8] {
        switch cipher {
        case .identity: return bytes
        case .kms(let service): return prefix + (try service.seal(bytes, at: place))
        case .aesgcm(let key):
            let box = try AES.GCM.seal(bytes, using: SymmetricKey(data: key), authenticating: Array(place.utf8))
            return prefix + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
        case .aescbc(let key):
            let vector = AES._CBC.IV()
            return prefix + Array(vector) + Array(try AES._CBC.encrypt(bytes, using: SymmetricKey(data: key), iv: vector))
        }
    }

    /// - Parameter stored: something that it wrote.
    /// - Returns: the record, and whether it would be kept by the same key if it were written now.
    func open(_ stored: [UInt8], at place: String) throws -> (bytes: [UInt8], isCurrent: Bool) {
        let rest = stored.dropFirst(prefix.count)
        switch cipher {
        case .identity: return (stored, true)
        case .kms(let service): return try service.open(rest, at: place)
        case .aesgcm(let key): return (try Self.open(rest, key: key, at: place), true)
        case .aescbc(let key):
            guard rest.count >= 32 else { throw ConfigurationProblem("the stored data was shorter than the required size") }
            let vector = try AES._CBC.IV(ivBytes: Array(rest.prefix(16)))
            return (Array(try AES._CBC.decrypt(Array(rest.dropFirst(16)), using: SymmetricKey(data: key), iv: vector)), true)
        }
    }

    /// What AES-GCM has sealed by a key, with the nonce before it and the tag behind.
    static func open(_ sealed: ArraySlice<UInt8>, key: [UInt8], at place: String) throws -> [UInt8] {
        Array(
            try AES.GCM.open(
                try AES.GCM.SealedBox(combined: sealed), using: SymmetricKey(data: key), authenticating: Array(place.utf8)))
    }
}
