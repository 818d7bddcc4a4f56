/// Deterministic damage to an input: what every decoder of foreign bytes must survive.
struct Mutations: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// xorshift64*
    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// One to four changes: a bit, a byte, a cut, a repeated or removed run.
    mutating func mutate(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...4, using: &self) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &self)
            let end = min(bytes.count, index + Int.random(in: 1...16, using: &self))
            switch Int.random(in: 0..<6, using: &self) {
            case 0: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: bytes[index] = UInt8.random(in: .min ... .max, using: &self)
            case 2: bytes.removeSubrange(index...)
            case 3: bytes.removeSubrange(index..<end)
            case 4: bytes.insert(contentsOf: Array(bytes[index..<end]), at: index)
            default: bytes.insert(UInt8.random(in: .min ... .max, using: &self), at: index)
            }
        }
        return bytes
    }
}
