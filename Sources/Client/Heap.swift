/// A binary heap: the least element first.
struct Heap<Element: Comparable> {
    private var elements: [Element] = []

    var first: Element? { elements.first }
    var count: Int { elements.count }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var child = elements.count - 1
        while child > 0, case let parent = (child - 1) / 2, elements[child] < elements[parent] {
            elements.swapAt(child, parent)
            child = parent
        }
    }

    /// Taking from an empty heap is a programmer error.
    mutating func removeFirst() -> Element {
        elements.swapAt(0, elements.count - 1)
        let first = elements.removeLast()
        var parent = 0
        while case let left = 2 * parent + 1, left < elements.count {
            let least = left + 1 < elements.count && elements[left + 1] < elements[left] ? left + 1 : left
            guard elements[least] < elements[parent] else { break }
            elements.swapAt(parent, least)
            parent = least
        }
        return first
    }
}

extension Heap: Sendable where Element: Sendable {}
