internal import PluginAPI
internal import Synchronization

/// A table of the far side that is called here like any other: `table` and `me` are what callers pass.
///
/// It outlives restarts: `connect` moves it to the next peer. Must be kept as long as anybody may call.
final class ImportedTable: @unchecked Sendable {
    // Sendable because everything is written in `init` only, but for the connection, which a lock guards.
    let descriptor: TableDescriptor
    /// The far table's twin; slots that are not `present` are null.
    let table: UnsafeRawPointer
    /// The `self` or `context` to call it with.
    var me: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

    private let deadline: Duration?
    private enum Connection {
        case to(Peer)
        case none(reason: String)
    }
    private let connection = Mutex(Connection.none(reason: "is not started yet"))

    /// - Parameters:
    ///   - present: which slots the far table has; all, if not given.
    ///   - number: what stands beside the far table's size.
    ///   - deadline: replaces the deadline of every slot that has one.
    init(_ descriptor: TableDescriptor, present: [Bool]? = nil, number: Int32 = 0, deadline: Duration? = nil) {
        self.descriptor = descriptor
        self.deadline = deadline
        // Behind the table stands whose it is, for slots that are given the table in place of `me`.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: descriptor.size + 8, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: descriptor.size + 8)
        memory.storeBytes(of: UInt32(descriptor.size), as: UInt32.self)
        if descriptor.firstSlot == 8 { memory.storeBytes(of: number, toByteOffset: 4, as: Int32.self) }
        for (index, slot) in descriptor.slots.enumerated() where present?[index] ?? true {
            memory.storeBytes(of: Stub.function(.table, slot, index), toByteOffset: descriptor.offset(of: index), as: UnsafeRawPointer.self)
        }
        table = UnsafeRawPointer(memory)
        memory.storeBytes(of: me, toByteOffset: descriptor.size, as: UnsafeMutableRawPointer.self)
    }

    deinit { table.deallocate() }

    /// Calls go to `peer` from now on.
    func connect(_ peer: Peer) { connection.withLock { $0 = .to(peer) } }

    /// Calls answer UNAVAILABLE with this sentence from now on.
    func disconnect(_ reason: String) { connection.withLock { $0 = .none(reason: reason) } }

    /// Whose slot is called with these arguments.
    fileprivate static func owner(_ arguments: Arguments, _ slot: SlotDescriptor) -> UnsafeMutableRawPointer? {
        guard case .table? = slot.arguments.first else { return arguments.pointer(0) }
        let size = Signatures.component.size
        return arguments.pointer(0)?.load(fromByteOffset: size, as: UnsafeMutableRawPointer?.self)
    }

    static func of(_ arguments: Arguments, _ slot: SlotDescriptor) -> ImportedTable {
        guard let owner = owner(arguments, slot) else { preconditionFailure("\(slot.name) was called with another table's context") }
        return Unmanaged<ImportedTable>.fromOpaque(owner).takeUnretainedValue()
    }

    func call(_ slot: SlotDescriptor, _ index: Int, _ arguments: Arguments) -> Int64 {
        switch connection.withLock({ $0 }) {
        case .to(let peer):
            let header = MessageHeader(kind: .call, table: descriptor.number, slot: UInt8(index))
            let limit = slot.limit(
                replacement: deadline, milliseconds: slot.timeout.map { Int64(bitPattern: arguments.word($0.argument)) } ?? 0)
            return peer.call(slot, header, arguments, limit: limit)
        case .none(let reason): return slot.answerUnavailable(arguments, reason)
        }
    }
}

extension SlotDescriptor {
    /// What a caller gets when there is nobody to ask: the sentence in its sink, and the safe result.
    func answerUnavailable(_ arguments: Arguments, _ sentence: String) -> Int64 {
        writeSentence(arguments, sentence)
        return switch result {
        case .status: Int64(APUS_UNAVAILABLE)
        case .int32(let lost): Int64(lost)
        case .void, .pointer: 0
        }
    }

    /// What a caller gets whose arguments cannot cross.
    func answerFault(_ arguments: Arguments, _ sentence: String) -> Int64 {
        writeSentence(arguments, sentence)
        return switch result {
        case .status: Int64(APUS_FAULT)
        case .int32(let lost): Int64(lost)
        case .void, .pointer: 0
        }
    }

    private func writeSentence(_ arguments: Arguments, _ sentence: String) {
        guard let index = self.arguments.firstIndex(where: \.isSink), let sink = arguments.pointer(index) else { return }
        let target = sink.load(as: apus_sink.self)
        sentence.withBorrowed { target.write(target.context, $0) }
    }
}
