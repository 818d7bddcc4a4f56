internal import CLinux
internal import Glibc

/// The shared file of a host and one child: a page of words that both look at, then the channels on which the host calls, then those on
/// which the child does.
final class Mailboxes: @unchecked Sendable {
    // Sendable because the mapping stays as it is until `deinit`, and what lies in it is read and written as words.
    /// Channels each way: as many calls can be under way. Pages that no message touched take no memory.
    static let channels = 256
    private static let header = 4096
    private static let size = header + 2 * channels * Channel.size

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

    /// In the child: the file that the host made.
    init?(descriptor: Int32) {
        self.descriptor = descriptor
        guard let memory = apus_memory_map(descriptor, 0, UInt64(Self.size), 1) else { return nil }
        self.memory = memory
    }

    deinit {
        munmap(memory, Self.size)
        close(descriptor)
    }

    /// How many call channels the host has begun to use: the child has a thread for each. Only grows.
    var callsInUse: UnsafeMutablePointer<UInt32> { memory.assumingMemoryBound(to: UInt32.self) }
    /// The same the other way round.
    var upcallsInUse: UnsafeMutablePointer<UInt32> { (memory + 64).assumingMemoryBound(to: UInt32.self) }
    /// What the child writes when it ends for a fault of its own.
    var crash: UnsafeMutablePointer<apus_crash_record> { (memory + 128).assumingMemoryBound(to: apus_crash_record.self) }

    func call(_ index: Int, _ side: Channel.Side, _ farSide: Channel.FarSide) -> Channel { channel(index, side, farSide) }
    func upcall(_ index: Int, _ side: Channel.Side, _ farSide: Channel.FarSide) -> Channel { channel(Self.channels + index, side, farSide) }

    private func channel(_ index: Int, _ side: Channel.Side, _ farSide: Channel.FarSide) -> Channel {
        Channel(memory + Self.header + index * Channel.size, of: self, side, farSide)
    }
}
