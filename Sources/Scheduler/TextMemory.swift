internal import PluginHost

/// Memory for short texts where isolated plugins read it: pieces of a few sizes, cut from large blocks and used again when they are free.
struct TextMemory {
    /// Pieces are multiples of this, up to `largest`; what is larger has a block of its own.
    private static let unit = 16
    private static let largest = 512
    private static let blockSize = 1 << 16

    private var blocks: [UnsafeMutableRawPointer] = []
    /// What is left of the newest block.
    private var rest = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// Free pieces, by size in units.
    private var pieces = [[UnsafeMutableRawPointer]](repeating: [], count: largest / unit + 1)

    mutating func allocate(_ count: Int) -> UnsafeMutableBufferPointer<UInt8> {
        let start = count > Self.largest ? SharedArena.shared.allocate(bytes: count) : piece(Self.units(count))
        return UnsafeMutableRawBufferPointer(start: start, count: count).bindMemory(to: UInt8.self)
    }

    /// Gives back what `allocate` gave.
    mutating func free(_ text: UnsafeBufferPointer<UInt8>) {
        guard let start = UnsafeMutableRawPointer(mutating: text.baseAddress) else { return }
        if text.count > Self.largest {
            SharedArena.shared.free(start, bytes: text.count)
        } else {
            pieces[Self.units(text.count)].append(start)
        }
    }

    /// Gives back all blocks; what is larger than those must be free by now.
    mutating func freeAll() {
        for block in blocks { SharedArena.shared.free(block, bytes: Self.blockSize) }
        blocks = []
    }

    private static func units(_ count: Int) -> Int { max(1, (count + unit - 1) / unit) }

    private mutating func piece(_ units: Int) -> UnsafeMutableRawPointer {
        if let piece = pieces[units].popLast() { return piece }
        let size = units * Self.unit
        if rest.count < size {
            let block = SharedArena.shared.allocate(bytes: Self.blockSize)
            blocks.append(block)
            rest = UnsafeMutableRawBufferPointer(start: block, count: Self.blockSize)
        }
        defer { rest = UnsafeMutableRawBufferPointer(rebasing: rest[size...]) }
        return rest.baseAddress!
    }
}
