internal import PluginHost

/// Memory for texts and short arrays where isolated plugins read it: pieces of a few sizes, cut from large blocks and used again when they
/// are free. Used by the scheduling thread only.
final class SharedPieces {
    /// Pieces are multiples of this, up to `largest`; what is larger has a block of its own.
    private static let unit = 16
    private static let largest = 512
    private static let blockSize = 1 << 16

    private var blocks: [UnsafeMutableRawPointer] = []
    /// What is left of the newest block.
    private var rest = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    /// Free pieces, by size in units.
    private var pieces = [[UnsafeMutableRawPointer]](repeating: [], count: largest / unit + 1)

    /// Gives all blocks back; what is larger than those must be free by now.
    deinit {
        for block in blocks { SharedArena.shared.free(block, bytes: Self.blockSize) }
    }

    /// So many bytes, aligned for every type, with any contents.
    func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let start = count > Self.largest ? SharedArena.shared.allocate(bytes: count) : piece(Self.units(count))
        return UnsafeMutableRawBufferPointer(start: start, count: count)
    }

    /// Gives back what `allocate` gave.
    func free(_ piece: UnsafeRawBufferPointer) {
        guard let start = UnsafeMutableRawPointer(mutating: piece.baseAddress) else { return }
        if piece.count > Self.largest {
            SharedArena.shared.free(start, bytes: piece.count)
        } else {
            pieces[Self.units(piece.count)].append(start)
        }
    }

    private static func units(_ count: Int) -> Int { max(1, (count + unit - 1) / unit) }

    private func piece(_ units: Int) -> UnsafeMutableRawPointer {
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
