import APIModel

/// What is stored of a record whose key comes from a plugin: upstream's message, so that both read what either wrote but for the place that
/// is sealed in.
struct EncryptedObject: Sendable {
    /// How the source becomes the key.
    enum SourceType: Int64, Sendable {
        /// It is the key.
        case key = 0
        /// A key for each record is derived from it.
        case seed = 1
    }

    /// What a key is made of, sealed by the plugin: all that must be known to ask it for the key. The same for many records.
    struct Source: Hashable, Sendable {
        var keyID: String
        var sealed: [UInt8]
        var annotations: [String: [UInt8]]
        var type: SourceType
    }

    fileprivate static let longestKeyID = 1024
    fileprivate static let longestSource = 1024
    fileprivate static let longestAnnotations = 32 * 1024
    private static let type = "EncryptedObject"

    var source: Source
    var data: [UInt8]

    init(_ source: Source, _ data: [UInt8]) { (self.source, self.data) = (source, data) }

    /// - Throws: `ConfigurationProblem` for what is none.
    init(decoding bytes: ArraySlice<UInt8>) throws {
        let value: Value
        do {
            value = try Protobuf.decode(Array(bytes), as: KMS.type(Self.type))
        } catch {
            throw ConfigurationProblem("it is no EncryptedObject: \(error)")
        }
        guard let type = SourceType(rawValue: (value["encryptedDEKSourceType"].int ?? 0).int64) else {
            throw ConfigurationProblem("unknown encryptedDEKSourceType: \(value["encryptedDEKSourceType"].int ?? 0)")
        }
        data = KMS.bytes(value["encryptedData"])
        guard !data.isEmpty else { throw ConfigurationProblem("encrypted data is empty") }
        source = Source(
            keyID: value["keyID"].string ?? "", sealed: KMS.bytes(value["encryptedDEKSource"]), annotations: KMS.annotations(value),
            type: type)
        try source.check()
    }

    func encoded() throws -> [UInt8] {
        try Protobuf.encode(
            [
                "encryptedData": KMS.value(data), "keyID": .string(source.keyID), "encryptedDEKSource": KMS.value(source.sealed),
                "annotations": KMS.value(source.annotations), "encryptedDEKSourceType": .int(source.type.rawValue),
            ], as: KMS.type(Self.type))
    }

    /// - Throws: `ConfigurationProblem`.
    static func check(keyID: String) throws {
        guard !keyID.isEmpty else { throw ConfigurationProblem("keyID is empty") }
        guard keyID.utf8.count <= longestKeyID else {
            throw ConfigurationProblem("keyID is \(keyID.utf8.count) bytes, which exceeds the max size of \(longestKeyID)")
        }
    }
}

extension EncryptedObject.Source {
    /// What a plugin may not answer.
    /// - Throws: `ConfigurationProblem`.
    func check() throws {
        guard !sealed.isEmpty else { throw ConfigurationProblem("encrypted DEK source is empty") }
        guard sealed.count <= EncryptedObject.longestSource else {
            throw ConfigurationProblem(
                "encrypted DEK source is \(sealed.count) bytes, which exceeds the max size of \(EncryptedObject.longestSource)")
        }
        try EncryptedObject.check(keyID: keyID)
        for name in annotations.keys where !name.contains(".") || !Names.dnsSubdomain(name).isEmpty {
            throw ConfigurationProblem("annotations: \(FieldError.quoted(name)) is not a fully qualified domain name")
        }
        let size = annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.count }
        guard size <= EncryptedObject.longestAnnotations else {
            throw ConfigurationProblem(
                "total size of annotations is \(size), which exceeds the max size of \(EncryptedObject.longestAnnotations)")
        }
    }
}
