public import APIModel

/// A signed token as it came, in three parts of base64url. Nothing that it says is believed before a key has vouched for it.
public struct JSONWebToken: Sendable {
    public let header: Value
    public let payload: Value
    let content: [UInt8]
    let signature: [UInt8]

    /// `nil` for what is not three parts of base64url of which two are objects of JSON.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(parts[0]), let payload = Self.object(parts[1]),
            let signature = Base64URL.decode(parts[2])
        else { return nil }
        (self.header, self.payload, self.signature) = (header, payload, signature)
        content = Array("\(parts[0]).\(parts[1])".utf8)
    }

    private static func object(_ part: Substring) -> Value? {
        guard let bytes = Base64URL.decode(part), let value = try? JSON.decode(bytes), case .object = value else { return nil }
        return value
    }

    /// The key that the token says it is signed with.
    public var keyID: String? { header["kid"].string }

    /// `nil` for one that nobody here knows.
    public var algorithm: SigningAlgorithm? { header["alg"].string.flatMap(SigningAlgorithm.init) }

    /// Whom the token is for.
    public var audiences: [String] { payload["aud"].string.map { [$0] } ?? payload["aud"].elements.compactMap(\.string) }
}
