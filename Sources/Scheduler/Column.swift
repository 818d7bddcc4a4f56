/// An array at a stable address between two `grow`s, whose capacity doubles: what the ABI calls a column. Its owner frees it with `free`.
struct Column<Element: BitwiseCopyable> {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity = 16
    /// What new elements start as.
    private let empty: Element

    init(_ empty: Element) {
        self.empty = empty
        pointer = .allocate(capacity: capacity)
    }

    subscript(index: Int) -> Element {
        get { pointer[index] }
        nonmutating set { pointer[index] = newValue }
    }

    /// Makes room for `wanted` elements.
    mutating func grow(to wanted: Int) {
        guard wanted > count else { return }
        if wanted > capacity {
            while capacity < wanted { capacity *= 2 }
            let moved = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
            moved.moveInitialize(from: pointer, count: count)
            pointer.deallocate()
            pointer = moved
        }
        (pointer + count).initialize(repeating: empty, count: wanted - count)
        count = wanted
    }

    mutating func removeAll() { count = 0 }

    mutating func append(_ element: Element) {
        grow(to: count + 1)
        pointer[count - 1] = element
    }

    func free() { pointer.deallocate() }
}

/// Rows of variable length, laid end to end when somebody looks: rows change seldom, looks are many.
struct Rows<Element: BitwiseCopyable> {
    private var rows: [[Element]] = []
    private var isStale = true
    private var offsets = Column<UInt32>(0)
    private var elements: Column<Element>

    init(_ empty: Element) { elements = Column(empty) }

    subscript(row: Int) -> [Element] {
        get { rows[row] }
        set {
            rows[row] = newValue
            isStale = true
        }
    }

    mutating func grow(to count: Int) {
        while rows.count < count { rows.append([]) }
        isStale = true
    }

    /// The flat form: row `i` is `[offsets[i], offsets[i + 1])` of the elements.
    mutating func flat() -> (offsets: UnsafePointer<UInt32>, elements: UnsafePointer<Element>) {
        if isStale {
            offsets.removeAll()
            elements.removeAll()
            offsets.append(0)
            for row in rows {
                for element in row { elements.append(element) }
                offsets.append(UInt32(elements.count))
            }
            isStale = false
        }
        return (UnsafePointer(offsets.pointer), UnsafePointer(elements.pointer))
    }

    func free() {
        offsets.free()
        elements.free()
    }
}
