internal import CFFI
internal import Synchronization

/// The C function that stands for one slot of the far side. There is one for each slot of each table, and one for each function of each
/// callback structure, made when first needed and kept for ever: whom a call is for, its first argument says.
final class Stub: Sendable {
    enum Owner: Sendable {
        /// The first argument leads to an `ImportedTable`.
        case table
        /// The first argument is the number of a `BorrowedCallbacks`.
        case callbacks
    }
    let owner: Owner
    let slot: SlotDescriptor
    let index: Int

    private init(_ owner: Owner, _ slot: SlotDescriptor, _ index: Int) {
        self.owner = owner
        self.slot = slot
        self.index = index
    }

    /// By the slot's identity, of which there is one in the process.
    private static let made = Mutex<[ObjectIdentifier: UInt]>([:])

    /// The function for slot `index` of some table or callback structure.
    static func function(_ owner: Owner, _ slot: SlotDescriptor, _ index: Int) -> UnsafeRawPointer {
        let address = made.withLock { made in
            if let address = made[ObjectIdentifier(slot)] { return address }
            let code = slot.interface.makeFunction(Stub(owner, slot, index)) { _, result, arguments, stub in
                let stub = Unmanaged<Stub>.fromOpaque(stub.unsafelyUnwrapped).takeUnretainedValue()
                stub.call(Arguments(values: arguments.unsafelyUnwrapped), result)
            }
            made[ObjectIdentifier(slot)] = UInt(bitPattern: code)
            return UInt(bitPattern: code)
        }
        return UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped
    }

    private func call(_ arguments: Arguments, _ result: UnsafeMutableRawPointer?) {
        let answer: Int64
        switch owner {
        case .table: answer = ImportedTable.of(arguments, slot).call(slot, index, arguments)
        case .callbacks: answer = BorrowedCallbacks.call(UInt(bitPattern: arguments.pointer(0)), slot, index, arguments)
        }
        switch slot.result {
        case .void: break
        // libffi wants a small result widened to a register.
        case .status, .int32, .pointer: result?.storeBytes(of: answer, as: Int64.self)
        }
    }
}
