/// What a table of nftables has, without the elements of its sets and maps: enough to see that somebody took something away.
public struct TableShape: Equatable, Sendable {
    /// Sets and maps.
    public var sets: Set<String>
    /// How many rules each chain has.
    public var chains: [String: Int]

    public init(sets: Set<String>, chains: [String: Int]) {
        (self.sets, self.chains) = (sets, chains)
    }

    /// - Parameter listing: what nftables prints of the table without elements; nothing where there is none.
    public init(listing: String) {
        self.init(sets: [], chains: [:])
        var chain: String?
        for line in listing.split(separator: "\n") {
            let words = line.split(separator: " ").map { $0.trimmingPrefix("\t") }
            if words.count == 3, words[2] == "{" {
                chain = words[0].hasSuffix("chain") ? String(words[1]) : nil
                if let chain { chains[chain] = 0 } else { sets.insert(String(words[1])) }
            } else if words.count == 1, words[0].hasSuffix("}") {
                chain = nil
            } else if let chain, !line.contains("\ttype ") {
                chains[chain, default: 0] += 1
            }
        }
    }

    /// Whether a table has all of this. Sets beside it do no harm, for nothing looks into them.
    public func isIn(_ other: TableShape) -> Bool { other.sets.isSuperset(of: sets) && other.chains == chains }
}
