/// One value a Node, at a stable address between two `grow`s, kept between calls: nothing is allocated for a Node in one.
final class NodeColumn<Element: BitwiseCopyable> {
    private(set) var pointer: UnsafeMutablePointer<Element>
    private(set) var count = 0
    private var capacity = 64
    /// What new elements start as.
    private let empty: Element

    init(_ empty: Element) {
        self.empty = empty
        pointer = .allocate(capacity: capacity)
    }

    deinit { pointer.deallocate() }

    /// Makes room for `wanted` elements.
    func grow(to wanted: Int) {
        guard wanted > count else { return }
        if wanted > capacity {
            capacity = max(wanted, 2 * capacity)
            let moved = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
            moved.moveInitialize(from: pointer, count: count)
            pointer.deallocate()
            pointer = moved
        }
        (pointer + count).initialize(repeating: empty, count: wanted - count)
        count = wanted
    }

    /// As `grow`, with the address.
    func grown(to wanted: Int) -> UnsafeMutablePointer<Element> {
        grow(to: wanted)
        return pointer
    }

    subscript(node: Int) -> Element {
        get { pointer[node] }
        set { pointer[node] = newValue }
    }
}
