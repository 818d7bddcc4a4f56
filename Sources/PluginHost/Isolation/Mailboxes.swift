internal import CLinux
internal import Glibc

/// The shared file of a host and one child: a page of words that both look at, then the channels on which the host calls, then those on
/// which the child does.
final class Mailboxes: @unchecked Sendable {
    // Sendable because the mapping stays as it is until `deinit`, and what lies in it is read and written as words.
    /// Channels on which the host calls: as many calls can be under way. Pages that no message touched take no memory.
    static let calls = 256
    /// Channels on which the child calls, at most.
    static let upcalls = 128
    private static let header = 4096
    private static let size = header + (calls + upcalls) * Channel.size

    /// In the host: of the file.
    let descriptor: Int32
    private let memory: UnsafeMutableRawPointer

    /// A new file, all zero. `nil`, with `errno`, when the system gives none.
    init?() {
        descriptor = apus_memory_file("apus-mailboxes")
        guard descriptor >= 0 else { return nil }
        // With a size that stays as it is, no access can end this process.
        guard ftruncate(descriptor, off_t(Self.size)) == 0, apus_memory_seal_size(descriptor) == 0,
            let memory = apus_memory_map(descriptor, 0, UInt64(Self.size), 1)
        else {
            close(descriptor)
            return nil
        }
        self.memory = memory
    }

    /// In the child: the file that the host made. Its descriptor is closed.
    init?(mapping descriptor: Int32) {
        guard let memory = apus_memory_map(descriptor, 0, UInt64(Self.size), 1) else { return nil }
        close(descriptor)
        self.descriptor = -1
        self.memory = memory
    }

    deinit {
        munmap(memory, Self.size)
        if descriptor >= 0 { close(descriptor) }
    }

    /// How many call channels the host has begun to use: the child has a thread for each. Only grows.
    var callsInUse: UnsafeMutablePointer<UInt32> { memory.assumingMemoryBound(to: UInt32.self) }
    /// The same the other way round.
    var upcallsInUse: UnsafeMutablePointer<UInt32> { (memory + 64).assumingMemoryBound(to: UInt32.self) }
    /// What the child writes when it ends for a fault of its own.
    var crash: UnsafeMutablePointer<apus_crash_record> { (memory + 128).assumingMemoryBound(to: apus_crash_record.self) }

    func call(_ index: Int, _ side: Channel.Side, _ farSide: Channel.FarSide) -> Channel { channel(index, side, farSide) }
    func upcall(_ index: Int, _ side: Channel.Side, _ farSide: Channel.FarSide) -> Channel { channel(Self.calls + index, side, farSide) }

    private func channel(_ index: Int, _ side: Channel.Side, _ farSide: Channel.FarSide) -> Channel {
        Channel(memory + Self.header + index * Channel.size, of: self, side, farSide)
    }
}
