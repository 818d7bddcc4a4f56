/// A structure of functions with a context, lent to the callee.
final class Callbacks: Sendable {
    enum Life: Sendable, Equatable {
        /// During the call it was lent for, on that call's thread.
        case call
        /// Until the function at this position was called, if the call answered OK.
        case until(slot: Int)
        /// For ever, if the call answered OK.
        case component
    }

    static let maximumSlots = 4

    let name: String
    let slots: [SlotDescriptor]
    let life: Life

    init(_ name: String, _ slots: [SlotDescriptor], life: Life) {
        precondition(slots.count <= Self.maximumSlots, "\(name) has more functions than a call has room for")
        if life != .call {
            // The far side's calls of a structure that is no longer lent are answered with nothing.
            precondition(
                slots.allSatisfy { $0.result == .void && !$0.arguments.contains(where: \.isOut) }, "\(name) outlives its call and answers")
        }
        self.name = name
        self.slots = slots
        self.life = life
    }

    /// `sizeof` the structure: its size, the context, one pointer a function.
    var size: Int { Self.firstSlot + 8 * slots.count }

    static let context = 8
    static let firstSlot = 16

    /// The function at this position of a structure in memory.
    func function(_ slot: Int, of structure: UnsafeRawPointer) -> UnsafeRawPointer? {
        structure.load(fromByteOffset: Self.firstSlot + 8 * slot, as: UnsafeRawPointer?.self)
    }

    static func context(of structure: UnsafeRawPointer) -> UnsafeMutableRawPointer? {
        structure.load(fromByteOffset: context, as: UnsafeMutableRawPointer?.self)
    }
}
