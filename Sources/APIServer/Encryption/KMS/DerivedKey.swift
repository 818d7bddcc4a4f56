import APIModel
import Crypto
import FoundationEssentials

/// AES-GCM by a key of its own for each record, which is derived from a seed and 32 random bytes that stand before the record: so many
/// records as there will ever be may share a seed.
enum DerivedKey {
    static let seedSize = 32
    private static let infoSize = 32
    private static let keySize = 32

    static func seal(_ bytes: [UInt8], seed: [UInt8], at place: String) throws -> [UInt8] {
        let info = random(infoSize)
        let box = try AES.GCM.seal(bytes, using: key(seed, info), authenticating: Array(place.utf8))
        return info + Array(box.nonce) + Array(box.ciphertext) + Array(box.tag)
    }

    static func open(_ sealed: [UInt8], seed: [UInt8], at place: String) throws -> [UInt8] {
        guard sealed.count > infoSize else { throw ConfigurationProblem("the stored data was shorter than the required size") }
        let key = key(seed, Array(sealed.prefix(infoSize)))
        return Array(
            try AES.GCM.open(
                try AES.GCM.SealedBox(combined: sealed.dropFirst(infoSize)), using: key, authenticating: Array(place.utf8)))
    }

    static func random(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    private static func key(_ seed: [UInt8], _ info: [UInt8]) -> SymmetricKey {
        HKDF<SHA256>.expand(pseudoRandomKey: SymmetricKey(data: seed), info: info, outputByteCount: keySize)
    }
}
