/// A table of slots, as data: every table starts with its size and, where there is one, a 32-bit number; one pointer a slot follows.
struct TableDescriptor: Sendable {
    /// `apus.controller/1`
    let id: String
    /// Which table it is in messages.
    let number: UInt8
    /// `sizeof` the structure in this host.
    let size: Int
    /// Where the first slot stands.
    let firstSlot: Int
    let slots: [SlotDescriptor]
    /// Whether several plugins that offer it can run at once.
    let isShared: Bool

    init(_ id: String, number: UInt8, size: Int, firstSlot: Int = 8, isShared: Bool = true, _ slots: [SlotDescriptor]) {
        precondition(size == firstSlot + 8 * slots.count, "the slots of \(id) are not the header's")
        self.id = id
        self.number = number
        self.size = size
        self.firstSlot = firstSlot
        self.isShared = isShared
        self.slots = slots
    }

    /// Where a slot stands in the table.
    func offset(of slot: Int) -> Int { firstSlot + 8 * slot }

    /// The number that stands beside the size; zero in tables without one.
    func number(in table: UnsafeRawPointer) -> Int32 { firstSlot == 8 ? table.load(fromByteOffset: 4, as: Int32.self) : 0 }

    /// Which slots of a table in memory are filled.
    func present(in table: UnsafeRawPointer) -> [Bool] {
        slots.indices.map { table.load(fromByteOffset: offset(of: $0), as: UnsafeRawPointer?.self) != nil }
    }
}
