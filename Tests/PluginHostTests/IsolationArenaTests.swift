import CLinux
import Glibc
import Testing

@testable import PluginHost

@Suite struct IsolationArenaTests {
    @Test func lendsAFreedBlockAgainAndNeverALivingOne() {
        let arena = SharedArena.shared
        let first = arena.allocate(bytes: 3000)
        let second = arena.allocate(bytes: 3000)
        first.initializeMemory(as: UInt8.self, repeating: 1, count: 4096)
        second.initializeMemory(as: UInt8.self, repeating: 2, count: 4096)
        #expect((0..<4096).allSatisfy { first.load(fromByteOffset: $0, as: UInt8.self) == 1 })
        arena.free(second, bytes: 3000)
        #expect(arena.allocate(bytes: 4096) == second, "a size of the same power of two")
        #expect(arena.allocate(bytes: 3000) != first)
    }

    @Test func knowsWhatIsItsOwn() {
        let block = SharedArena.shared.allocate(bytes: 100)
        var local = 0
        #expect(SharedArena.contains(block, bytes: 100))
        #expect(!SharedArena.contains(block, bytes: SharedArena.capacity))
        #expect(withUnsafePointer(to: &local) { !SharedArena.contains($0, bytes: 8) })
    }

    @Test func isReadOnlyForWhoeverElseHasTheDescriptor() throws {
        let arena = SharedArena.shared
        let block = arena.allocate(bytes: 64)
        #expect(apus_memory_map(arena.descriptor, 0, 4096, 1) == nil, "a second mapping for writing")
        #expect(ftruncate(arena.descriptor, 0) == -1)
        var byte: UInt8 = 7
        #expect(pwrite(arena.descriptor, &byte, 1, 0) == -1)
        block.storeBytes(of: 77, as: UInt64.self)
        let offset = UInt(bitPattern: block) - SharedArena.address
        let other = try #require(apus_memory_map(arena.descriptor, 0, UInt64(SharedArena.capacity), 0))
        #expect(other.load(fromByteOffset: Int(offset), as: UInt64.self) == 77, "and what is written through the first is seen in another")
        munmap(other, SharedArena.capacity)
    }

    @Test func saysSoWhenItsAddressesAreTaken() throws {
        // They are: this process has mapped the arena there already.
        let refusal = try #require(SharedArena.map(SharedArena.shared.descriptor))
        #expect(
            refusal
                == "the addresses 0x200000000000 to 0x200400000000, where isolated plugins share memory with the host, are in use in process \(getpid())"
        )
    }
}
