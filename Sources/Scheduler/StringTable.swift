internal import PluginAPI
internal import PluginHost

/// Strings by number: equal strings have equal numbers for the life of the process. Used by the scheduling thread only.
final class StringTable {
    private var numbers: [String: apus_string] = ["": 0]
    private(set) var texts: Column<apus_borrowed>
    /// What is left of the newest block of bytes.
    private var free = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private static let blockSize = 1 << 16

    init() {
        texts = Column(apus_borrowed(bytes: nil, count: 0))
        texts.grow(to: 1)
    }

    var count: Int { numbers.count }

    /// The number of `text`, a new one if it has none.
    func number(_ text: String) -> apus_string {
        if let number = numbers[text] { return number }
        let number = apus_string(numbers.count)
        numbers[text] = number
        let bytes = room(text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        texts.grow(to: Int(number) + 1)
        texts[Int(number)] = apus_borrowed(bytes: bytes.baseAddress, count: UInt64(bytes.count))
        return number
    }

    /// Lent to plugins for ever, in their process, too, so never freed: texts lie end to end.
    private func room(_ count: Int) -> UnsafeMutableBufferPointer<UInt8> {
        if count > free.count {
            let size = max(count, Self.blockSize)
            free = UnsafeMutableRawBufferPointer(start: SharedArena.shared.allocate(bytes: size), count: size)
        }
        defer { free = UnsafeMutableRawBufferPointer(rebasing: free[count...]) }
        return UnsafeMutableRawBufferPointer(rebasing: free[..<count]).bindMemory(to: UInt8.self)
    }

    func text(_ number: apus_string) -> String {
        let text = texts[Int(number)]
        return String(decoding: UnsafeBufferPointer(start: text.bytes, count: Int(text.count)), as: UTF8.self)
    }
}
