internal import PluginAPI
internal import PluginHost

/// Owns the arrays behind a table, and can say later whether anybody wrote to them.
final class TableMemory: @unchecked Sendable {
    // Sendable because it is filled by one thread and only read after that.
    private var regions: [UnsafeMutableRawBufferPointer] = []
    /// Whether a plugin in a process of its own reads them at the same address.
    private let isShared: Bool

    init(isShared: Bool = false) { self.isShared = isShared }

    deinit {
        for region in regions {
            if isShared { SharedArena.shared.free(region.baseAddress!, bytes: region.count) } else { region.deallocate() }
        }
    }

    /// A copy of the elements that lives as long as this object. Never null, also for none.
    func keep<T: BitwiseCopyable>(_ elements: [T]) -> UnsafeMutablePointer<T> {
        let size = max(8, elements.count * MemoryLayout<T>.stride)
        let region =
            isShared
            ? UnsafeMutableRawBufferPointer(start: SharedArena.shared.allocate(bytes: size), count: size)
            : .allocate(byteCount: size, alignment: 16)
        region.initializeMemory(as: UInt8.self, repeating: 0)
        elements.withUnsafeBytes { region.copyMemory(from: $0) }
        regions.append(region)
        return region.baseAddress!.assumingMemoryBound(to: T.self)
    }

    /// The same for an array that is null when it is empty, as the ABI allows where it says so.
    func keepAny<T: BitwiseCopyable>(_ elements: [T]) -> UnsafePointer<T>? { elements.isEmpty ? nil : UnsafePointer(keep(elements)) }

    func keep(_ text: String) -> apus_borrowed {
        let bytes = Array(text.utf8)
        return apus_borrowed(bytes: UnsafePointer(keep(bytes)), count: UInt64(bytes.count))
    }

    /// Everything in it, to compare.
    var contents: [UInt8] {
        var all: [UInt8] = []
        for region in regions { all.append(contentsOf: region) }
        return all
    }
}
