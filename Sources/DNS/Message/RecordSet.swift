/// All records of one type at one name: each as two bytes of length and its data, one after the other, as they go into an answer.
struct RecordSet: Hashable, Sendable {
    let type: RecordType
    /// In seconds.
    let timeToLive: UInt32
    private(set) var count = 0
    private(set) var data: [UInt8] = []

    init(_ type: RecordType, timeToLive: UInt32, _ records: [[UInt8]] = []) {
        self.type = type
        self.timeToLive = timeToLive
        for record in records { append(record[...]) }
    }

    /// - Parameter record: at most 65535 bytes.
    mutating func append(_ record: ArraySlice<UInt8>) {
        data.append(UInt8(truncatingIfNeeded: record.count >> 8))
        data.append(UInt8(truncatingIfNeeded: record.count))
        data += record
        count += 1
    }

    /// Calls `body` with each record's data, beginning with that in place `first`, until it returns false.
    ///
    /// - Parameter first: less than `count`, or 0.
    func forEach(from first: Int, _ body: (UnsafeRawBufferPointer) -> Bool) {
        data.withUnsafeBytes { bytes in
            var place = start(of: first, bytes)
            for _ in 0..<count {
                if place >= bytes.count { place = 0 }
                let size = Self.size(bytes, place)
                guard body(UnsafeRawBufferPointer(rebasing: bytes[(place + 2)..<(place + 2 + size)])) else { return }
                place += 2 + size
            }
        }
    }

    private func start(of index: Int, _ bytes: UnsafeRawBufferPointer) -> Int {
        // Addresses have one size, so nothing has to be passed over.
        if type == .a || type == .aaaa { return index * (2 + Self.size(bytes, 0)) }
        return (0..<index).reduce(0) { place, _ in place + 2 + Self.size(bytes, place) }
    }

    private static func size(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> Int {
        place + 1 < bytes.count ? Int(bytes[place]) << 8 | Int(bytes[place + 1]) : 0
    }

    /// Several sets of one type as one, each record once.
    static func union(_ sets: [RecordSet]) -> RecordSet {
        guard sets.count > 1 else { return sets[0] }
        var union = RecordSet(sets[0].type, timeToLive: sets[0].timeToLive)
        var seen: Set<[UInt8]> = []
        for set in sets {
            set.forEach(from: 0) { record in
                let record = Array(record)
                if seen.insert(record).inserted { union.append(record[...]) }
                return true
            }
        }
        return union
    }
}
