/// Deals each flow a hand of a level's queues, so that a flow that floods its own leaves most others at least one without it.
enum ShuffleSharding {
    /// - Parameters:
    ///   - size: how many different queues, at most all.
    ///   - deck: how many there are.
    ///   - body: gets the hand, which has one queue at least. The same hash is always dealt the same.
    static func withHand<Result>(_ hash: UInt64, of size: Int, from deck: Int, _ body: (UnsafeBufferPointer<Int>) -> Result) -> Result {
        let deck = max(1, deck)
        let size = max(1, min(size, deck))
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: size) { hand in
            var rest = hash
            for index in 0..<size {
                // One of the cards that are left: how many of them lie below it.
                let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: UInt64(deck - index))
                rest = quotient
                insert(Int(remainder), index, hand)
            }
            return body(UnsafeBufferPointer(rebasing: hand[..<size]))
        }
    }

    /// Adds a card that has `rank` cards below it which are not in the hand, and keeps the hand sorted.
    private static func insert(_ rank: Int, _ count: Int, _ hand: UnsafeMutableBufferPointer<Int>) {
        var card = rank
        var position = 0
        while position < count, hand[position] <= card {
            card += 1
            position += 1
        }
        for index in stride(from: count, to: position, by: -1) { hand[index] = hand[index - 1] }
        hand[position] = card
    }

    /// FNV-1a: cheap, and the same in every process.
    static func hash(_ text: String, onto seed: UInt64 = 0xcbf2_9ce4_8422_2325) -> UInt64 {
        var hash = seed
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        // The first cards are dealt by the lower bits.
        return (hash ^ 0xff) &* 0x0000_0100_0000_01b3
    }
}
