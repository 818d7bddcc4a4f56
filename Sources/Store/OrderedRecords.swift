/// The records of one collection in the order of their names.
///
/// Kept in chunks, so that a copy is cheap to take and cheap to diverge from: readers copy it under the lock and walk it outside, and the
/// next write then copies one chunk and the table of chunks, not the collection.
struct OrderedRecords: Sendable {
    private typealias Chunk = ContiguousArray<Record>
    private static let chunkLimit = 512

    /// None is empty.
    private var chunks: ContiguousArray<Chunk> = []
    private(set) var count = 0

    struct Position: Comparable {
        var chunk: Int
        var offset: Int
        static func < (left: Position, right: Position) -> Bool {
            left.chunk == right.chunk ? left.offset < right.offset : left.chunk < right.chunk
        }
    }

    init() {}

    /// - Parameter sorted: in the order of names, each name once.
    init(sorted: [Record]) {
        count = sorted.count
        var start = 0
        while start < sorted.count {
            let end = min(start + Self.chunkLimit / 2, sorted.count)
            chunks.append(Chunk(sorted[start..<end]))
            start = end
        }
    }

    var start: Position { Position(chunk: 0, offset: 0) }
    var end: Position { Position(chunk: chunks.count, offset: 0) }
    subscript(position: Position) -> Record { chunks[position.chunk][position.offset] }

    func position(after position: Position) -> Position {
        position.offset + 1 < chunks[position.chunk].count
            ? Position(chunk: position.chunk, offset: position.offset + 1) : Position(chunk: position.chunk + 1, offset: 0)
    }

    /// The first record whose name is not less than `name`.
    func lowerBound(_ name: String) -> Position {
        let chunk = Self.partition(chunks.count) { chunks[$0][chunks[$0].count - 1].key.name < name }
        guard chunk < chunks.count else { return end }
        return Position(chunk: chunk, offset: Self.partition(chunks[chunk].count) { chunks[chunk][$0].key.name < name })
    }

    var all: some Sequence<Record> { chunks.joined() }

    func distance(from start: Position, to end: Position) -> Int {
        guard start.chunk < end.chunk else { return end.offset - start.offset }
        var distance = end.offset - start.offset
        for chunk in start.chunk..<end.chunk { distance += chunks[chunk].count }
        return distance
    }

    func find(_ name: String) -> Record? {
        let position = lowerBound(name)
        guard position < end, self[position].key.name == name else { return nil }
        return self[position]
    }

    /// Returns what was there.
    @discardableResult
    mutating func set(_ record: Record) -> Record? {
        var position = lowerBound(record.key.name)
        if position < end, self[position].key.name == record.key.name {
            let previous = self[position]
            chunks[position.chunk][position.offset] = record
            return previous
        }
        count += 1
        if position.chunk == chunks.count {
            guard !chunks.isEmpty else {
                chunks.append([record])
                return nil
            }
            position = Position(chunk: chunks.count - 1, offset: chunks[chunks.count - 1].count)
        }
        chunks[position.chunk].insert(record, at: position.offset)
        if chunks[position.chunk].count > Self.chunkLimit { split(position.chunk) }
        return nil
    }

    @discardableResult
    mutating func remove(_ name: String) -> Record? {
        let position = lowerBound(name)
        guard position < end, self[position].key.name == name else { return nil }
        count -= 1
        let removed = chunks[position.chunk].remove(at: position.offset)
        if chunks[position.chunk].isEmpty { chunks.remove(at: position.chunk) }
        return removed
    }

    private mutating func split(_ chunk: Int) {
        let middle = chunks[chunk].count / 2
        let upper = Chunk(chunks[chunk][middle...])
        chunks[chunk].removeSubrange(middle...)
        chunks.insert(upper, at: chunk + 1)
    }

    /// The first index for which `isBefore` is false, where it is true up to some point and false from there.
    private static func partition(_ count: Int, _ isBefore: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
