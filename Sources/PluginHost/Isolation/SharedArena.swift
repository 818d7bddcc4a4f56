internal import CLinux
internal import Glibc
internal import Synchronization

/// Memory that isolated plugins read at the same address as this process, so that what lies in it crosses to them without a copy, pointers
/// included.
///
/// This process writes, children map it read-only. Blocks come in sizes of powers of two; what is freed is used again, and nothing is given
/// back to the system. Safe from any thread; the contents are the callers' to guard, as with all memory.
public final class SharedArena: Sendable {
    /// The one of this process.
    public static let shared = SharedArena()

    /// The same in every process. Far from where Linux puts programs, heaps and stacks (0x5…, 0x7…) on machines with 47 bits of addresses.
    static let address: UInt = 0x2000_0000_0000
    /// Reserved addresses; memory is used as blocks are written.
    static let capacity = 16 << 30
    static var addresses: Range<UInt> { address..<address + UInt(capacity) }
    /// A cache line: two blocks never share one.
    private static let smallest = 64

    /// What a child maps.
    let descriptor: Int32

    private struct Blocks {
        /// Bytes handed out at least once, from the start.
        var used = 0
        /// Freed blocks by size class, as offsets.
        var free = [[Int]](repeating: [], count: Int.bitWidth)
    }
    private let blocks = Mutex(Blocks())

    private init() {
        descriptor = apus_memory_file("apus-shared")
        guard descriptor >= 0, ftruncate(descriptor, off_t(Self.capacity)) == 0 else {
            fatalError("the system gives no shared memory: \(String(cString: strerror(errno)))")
        }
        guard apus_memory_map(descriptor, UInt64(Self.address), UInt64(Self.capacity), 1) != nil else { fatalError(Self.refusal(errno)) }
        // From here on only the mapping just made can write, whatever a child does with its descriptor.
        guard apus_memory_seal_future_writes(descriptor) == 0 else {
            fatalError("shared memory cannot be sealed: \(String(cString: strerror(errno)))")
        }
    }

    /// At least `bytes` bytes, aligned for every type, with any contents.
    public func allocate(bytes: Int) -> UnsafeMutableRawPointer {
        let sizeClass = Self.sizeClass(bytes)
        let offset = blocks.withLock { blocks in
            if let offset = blocks.free[sizeClass].popLast() { return offset }
            let (offset, size) = (blocks.used, 1 << sizeClass)
            guard size <= Self.capacity - offset else {
                fatalError("the \(Self.capacity >> 30) GiB of memory that isolated plugins share are used up")
            }
            blocks.used += size
            return offset
        }
        return UnsafeMutableRawPointer(bitPattern: Self.address + UInt(offset))!
    }

    /// Gives back what `allocate(bytes:)` returned for the same number of bytes. No plugin may be reading it.
    public func free(_ block: UnsafeMutableRawPointer, bytes: Int) {
        precondition(Self.contains(block, bytes: bytes), "the block is not of the shared arena")
        blocks.withLock { $0.free[Self.sizeClass(bytes)].append(Int(UInt(bitPattern: block) - Self.address)) }
    }

    /// Whether these bytes lie in the arena, so that an isolated plugin sees them.
    static func contains(_ block: UnsafeRawPointer, bytes: Int) -> Bool {
        let start = UInt(bitPattern: block)
        return bytes >= 0 && start >= address && start - address <= UInt(capacity) && UInt(bytes) <= UInt(capacity) - (start - address)
    }

    private static func sizeClass(_ bytes: Int) -> Int {
        precondition(bytes >= 0)
        let bytes = max(bytes, smallest)
        return Int.bitWidth - (bytes - 1).leadingZeroBitCount
    }

    /// In a child: makes the host's arena visible, and closes its descriptor. Returns why that cannot be.
    static func map(_ descriptor: Int32) -> String? {
        guard apus_memory_map(descriptor, UInt64(address), UInt64(capacity), 0) != nil else { return refusal(errno) }
        close(descriptor)
        return nil
    }

    private static func refusal(_ error: Int32) -> String {
        let range = "0x\(String(address, radix: 16)) to 0x\(String(address + UInt(capacity), radix: 16))"
        return error == EEXIST
            ? "the addresses \(range), where isolated plugins share memory with the host, are in use in process \(getpid())"
            : "shared memory cannot be mapped at \(range): \(String(cString: strerror(error)))"
    }
}
