public import APIModel

/// The short hash that tells the ReplicaSets of a Deployment apart.
///
/// Upstream hashes Go's memory dump of the template; only the alphabet and the role are a contract, so ours is FNV-1a over the template's
/// JSON with sorted keys.
public enum TemplateHash {
    public static func of(_ template: Value, collisionCount: Whole) -> String {
        var hash: UInt32 = 2_166_136_261
        feed(template, &hash)
        if collisionCount > 0 { for byte in String(collisionCount).utf8 { mix(byte, &hash) } }
        // Without vowels and look-alikes, as upstream's rand.SafeEncodeString.
        let alphabet = Array("bcdfghjklmnpqrstvwxz2456789")
        return String(String(hash).utf8.map { alphabet[Int($0) % alphabet.count] })
    }

    private static func feed(_ value: Value, _ hash: inout UInt32) {
        switch value {
        case .object(let fields):
            mix(UInt8(ascii: "{"), &hash)
            for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
                for byte in name.utf8 { mix(byte, &hash) }
                mix(UInt8(ascii: ":"), &hash)
                feed(value, &hash)
            }
            mix(UInt8(ascii: "}"), &hash)
        case .array(let elements):
            mix(UInt8(ascii: "["), &hash)
            for element in elements { feed(element, &hash) }
            mix(UInt8(ascii: "]"), &hash)
        default:
            for byte in JSON.encode(value) { mix(byte, &hash) }
            mix(UInt8(ascii: ","), &hash)
        }
    }

    private static func mix(_ byte: UInt8, _ hash: inout UInt32) { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
}
