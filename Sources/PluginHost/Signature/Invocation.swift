internal import PluginAPI

/// One call of the far side, replayed here. What it was sent lives in the message until the call has ended.
struct Invocation {
    let peer: Peer
    let slot: SlotDescriptor
    let line: any Line
    /// The caller's number for the call.
    let serial: UInt32
    /// Whose `self` a `create` sets.
    let instance: Instance?
    let me: UnsafeMutableRawPointer?
    let table: UnsafeRawPointer?
    /// For a callback, the call of this side that it was lent for.
    let enclosing: Arguments?

    /// The memory of one argument: its value, and behind it what a pointer in it may lead to.
    private static let room = 16 + Callbacks.firstSlot + 8 * Callbacks.maximumSlots

    /// What must be undone when the call has ended.
    private struct Loans {
        var collector: SinkCollector?
        var callbacks: (number: UInt, life: Callbacks.Life)?
        var scratch: [UnsafeMutableRawPointer] = []
    }

    /// Returns the answer, or `nil` if the caller was told that none comes.
    func run(_ function: UnsafeRawPointer, _ reader: inout MessageReader) throws(WireError) -> [UInt8]? {
        var outcome: Result<[UInt8]?, WireError> = .success(nil)
        let count = slot.arguments.count
        withUnsafeTemporaryAllocation(byteCount: count * (8 + Self.room), alignment: 8) { memory in
            let values = memory.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
            let rooms = UnsafeMutableRawPointer(values + count)
            for index in 0..<count { values[index] = rooms + index * Self.room }
            do throws(WireError) {
                outcome = .success(try run(function, Arguments(values: values), &reader))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }

    private func run(_ function: UnsafeRawPointer, _ arguments: Arguments, _ reader: inout MessageReader) throws(WireError) -> [UInt8]? {
        var loans = Loans()
        var isKept = false
        defer {
            if let callbacks = loans.callbacks, callbacks.life == .call || !isKept { BorrowedCallbacks.discard(callbacks.number) }
            for memory in loans.scratch { memory.deallocate() }
        }
        for (index, shape) in slot.arguments.enumerated() { try decode(shape, index, arguments, &reader, &loans) }
        try reader.end()
        var result: Int64 = 0
        withExtendedLifetime(loans.collector) { slot.interface.call(function, arguments, result: &result) }
        // libffi leaves what is above a small result as it is.
        result = slot.result == .void ? 0 : Int64(Int32(truncatingIfNeeded: result))
        isKept = slot.result != .status || result == Int64(APUS_OK)
        if let collector = loans.collector, collector.isFlooded {
            // In a child the host knows already, and nothing is answered any more.
            if peer.side == .child { return nil }
            result = Int64(APUS_FAULT)
        }
        return try encode(result, arguments, loans)
    }

    private func decode(_ shape: Shape, _ index: Int, _ arguments: Arguments, _ reader: inout MessageReader, _ loans: inout Loans)
        throws(WireError)
    {
        let value = arguments.values[index].unsafelyUnwrapped
        let room = value + 16
        func set(_ pointer: UnsafeMutableRawPointer?) { value.storeBytes(of: pointer, as: UnsafeMutableRawPointer?.self) }
        switch shape {
        case .me: set(me)
        case .table: set(UnsafeMutableRawPointer(mutating: table))
        case .host: set(peer.host)
        case .int32: value.storeBytes(of: Int32(truncatingIfNeeded: try reader.word()), as: Int32.self)
        case .int64, .handle: value.storeBytes(of: try reader.word(), as: UInt64.self)
        case .bytes:
            guard let bytes = try reader.counted() else { throw .malformed("\(slot.name) without bytes") }
            value.storeBytes(of: apus_borrowed(bytes), as: apus_borrowed.self)
        case .text:
            guard let bytes = try reader.counted(), bytes.last == 0 else { throw .malformed("\(slot.name) without a text") }
            set(bytes.baseAddress)
        case .structure(let layout, let optional):
            guard try isPresent(&reader, optional, UInt64(layout.size), layout.name) else { return set(nil) }
            set(try layout.read(&reader))
        case .shared(let size):
            let address = try reader.word()
            guard peer.shares(UInt(address), size) else { throw .malformed("\(slot.name) with an address outside of shared memory") }
            set(UnsafeMutableRawPointer(bitPattern: UInt(address)))
        case .array(let element, let count, let direction, let optional):
            try set(decodeArray(element, count, direction, optional, arguments, &reader, &loans))
        case .number(_, let direction):
            // Little-endian: a narrow number is the first bytes of its word.
            room.storeBytes(of: direction.isIn ? try reader.word() : 0, as: UInt64.self)
            set(room)
        case .newHandle, .newMe:
            room.storeBytes(of: 0, as: UInt64.self)
            set(room)
        case .sink(let limit):
            let collector = SinkCollector(limit: limit) { [peer, line] in
                guard peer.side == .child else { return }
                // The callee may go on for ever: the host hears of it now, and ends this process.
                try? line.send(MessageHeader(kind: .flooded, id: UInt64(limit)).message, deadline: nil)
                peer.lose("a sink was flooded")
            }
            loans.collector = collector
            room.storeBytes(of: collector.sink, as: apus_sink.self)
            set(room)
        case .callbacks(let callbacks, let optional):
            let id = try reader.word()
            if id == .max {
                guard optional else { throw .malformed("\(slot.name) without \(callbacks.name)") }
                return set(nil)
            }
            let header =
                callbacks.life == .call
                ? MessageHeader(kind: .nestedCallback, table: UInt8(index), id: UInt64(serial)) : MessageHeader(kind: .lentCallback, id: id)
            let (structure, number) = BorrowedCallbacks.make(peer, callbacks, header, enclosing: arguments, in: room)
            loans.callbacks = (number, callbacks.life)
            set(structure)
        }
    }

    private func decodeArray(
        _ element: Int, _ count: Count, _ direction: Direction, _ optional: Bool, _ arguments: Arguments, _ reader: inout MessageReader,
        _ loans: inout Loans
    ) throws(WireError) -> UnsafeMutableRawPointer? {
        let size = try reader.word()
        if size == .max {
            guard optional else { throw .malformed("\(slot.name) without its array") }
            return nil
        }
        let wanted = try count.elements(arguments, enclosing: enclosing) * element
        guard size == UInt64(wanted) else { throw .malformed("\(slot.name) with an array of \(size) bytes, not \(wanted)") }
        if direction.isIn { return try reader.block(wanted) }
        let scratch = UnsafeMutableRawPointer.allocate(byteCount: max(8, wanted), alignment: 8)
        scratch.initializeMemory(as: UInt8.self, repeating: 0, count: wanted)
        loans.scratch.append(scratch)
        return scratch
    }

    private func isPresent(_ reader: inout MessageReader, _ optional: Bool, _ size: UInt64, _ name: String) throws(WireError) -> Bool {
        let mark = try reader.word()
        if mark == .max, optional { return false }
        guard mark == size else { throw .malformed("\(slot.name) with a \(name) of \(mark) bytes") }
        return true
    }

    private func encode(_ result: Int64, _ arguments: Arguments, _ loans: Loans) throws(WireError) -> [UInt8] {
        do throws(WireError) {
            return try encode(result, arguments, loans.collector, isWhole: true)
        } catch {
            // Larger than a message: the caller hears that it failed.
            return try encode(Int64(APUS_FAULT), arguments, nil, isWhole: false)
        }
    }

    private func encode(_ result: Int64, _ arguments: Arguments, _ collector: SinkCollector?, isWhole: Bool) throws(WireError) -> [UInt8] {
        var writer = MessageWriter(capacity: capacity(arguments, collector))
        MessageHeader(kind: .answer, id: UInt64(bitPattern: result)).write(to: &writer)
        let isOK = slot.result != .status || result == Int64(APUS_OK)
        for (index, shape) in slot.arguments.enumerated() {
            // Where a pointer leads that this side made: what the callee left there.
            func room() -> UnsafeMutableRawPointer { arguments.values[index].unsafelyUnwrapped + 16 }
            switch shape {
            case .newMe: if isOK { instance?.set(room().load(as: UnsafeMutableRawPointer?.self)) }
            case .newHandle: writer.word(room().load(as: UInt64.self))
            case .number(let bytes, let direction) where direction.isOut:
                writer.word(bytes == 4 ? UInt64(bitPattern: Int64(room().load(as: Int32.self))) : room().load(as: UInt64.self))
            case .array(let element, let count, let direction, _) where direction.isOut:
                guard isWhole, isOK || direction.isIn, let array = arguments.pointer(index) else {
                    writer.none()
                    continue
                }
                try writer.counted(array, try count.elements(arguments, enclosing: enclosing) * element)
            case .sink: try writer.counted(collector?.bytes ?? [])
            default: break
            }
        }
        return writer.bytes
    }

    /// About what an answer needs, so that it is allocated once.
    private func capacity(_ arguments: Arguments, _ collector: SinkCollector?) -> Int {
        var total = 128 + (collector?.bytes.count ?? 0)
        for case .array(let element, let count, let direction, _) in slot.arguments where direction.isOut {
            if let elements = try? count.elements(arguments, enclosing: enclosing) { total += 16 + elements * element }
        }
        return total
    }
}
