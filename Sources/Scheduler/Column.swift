internal import PluginHost

/// An array at a stable address between two `grow`s, whose capacity doubles: what the ABI calls a column. It lies where isolated plugins
/// read it without a copy. Its owner frees it with `free`.
struct Column<Element: BitwiseCopyable> {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity = 16
    /// What new elements start as.
    private let empty: Element

    init(_ empty: Element) {
        self.empty = empty
        pointer = Self.allocate(capacity)
    }

    subscript(index: Int) -> Element {
        get { pointer[index] }
        nonmutating set { pointer[index] = newValue }
    }

    /// Makes room for `wanted` elements.
    mutating func grow(to wanted: Int) {
        guard wanted > count else { return }
        if wanted > capacity {
            let old = capacity
            while capacity < wanted { capacity *= 2 }
            let moved = Self.allocate(capacity)
            moved.moveInitialize(from: pointer, count: count)
            Self.free(pointer, old)
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

    func free() { Self.free(pointer, capacity) }

    private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Element> {
        SharedArena.shared.allocate(bytes: capacity * MemoryLayout<Element>.stride).bindMemory(to: Element.self, capacity: capacity)
    }

    private static func free(_ pointer: UnsafeMutablePointer<Element>, _ capacity: Int) {
        SharedArena.shared.free(pointer, bytes: capacity * MemoryLayout<Element>.stride)
    }
}
