internal import PluginAPI

/// Rows of variable length in one array, changed in place: a row that outgrows its room moves to the end with twice as much, and an array
/// that is more than half gaps is laid out anew. So a change costs what the row costs, however many others there are.
struct Rows<Element: BitwiseCopyable> {
    private var elements: Column<Element>
    private var starts = Column<UInt32>(0)
    private var counts = Column<UInt32>(0)
    /// How many elements each row has room for, and all of them together.
    private var rooms: [Int] = []
    private var room = 0
    private let empty: Element

    init(_ empty: Element) {
        self.empty = empty
        elements = Column(empty)
    }

    /// Adds empty rows until there are so many.
    mutating func grow(to count: Int) {
        starts.grow(to: count)
        counts.grow(to: count)
        while rooms.count < count { rooms.append(0) }
    }

    subscript(row: Int) -> UnsafeBufferPointer<Element> {
        UnsafeBufferPointer(start: elements.pointer + Int(starts[row]), count: Int(counts[row]))
    }

    mutating func set(_ row: Int, _ new: [Element]) {
        if new.count > rooms[row] { move(row, room: max(new.count, 2 * rooms[row])) }
        counts[row] = UInt32(new.count)
        let start = Int(starts[row])
        for (index, element) in new.enumerated() { elements[start + index] = element }
        if elements.count > 64, elements.count > 2 * room { layOut() }
    }

    var ranges: apus_ranges { apus_ranges(starts: UnsafePointer(starts.pointer), counts: UnsafePointer(counts.pointer)) }
    var pointer: UnsafePointer<Element> { UnsafePointer(elements.pointer) }

    func free() {
        elements.free()
        starts.free()
        counts.free()
    }

    private mutating func move(_ row: Int, room wanted: Int) {
        room += wanted - rooms[row]
        rooms[row] = wanted
        starts[row] = UInt32(elements.count)
        elements.grow(to: elements.count + wanted)
    }

    private mutating func layOut() {
        let old = elements
        elements = Column(empty)
        room = 0
        for row in rooms.indices {
            let (start, count) = (Int(starts[row]), Int(counts[row]))
            starts[row] = UInt32(elements.count)
            for index in start..<start + count { elements.append(old[index]) }
            rooms[row] = count
            room += count
        }
        old.free()
    }
}
