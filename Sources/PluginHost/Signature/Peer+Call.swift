internal import PluginAPI

// A call of this side: encode, exchange, decode what comes out.
extension Peer {
    /// Calls a slot of the far side. Blocks. Returns the result, widened.
    /// - Parameters:
    ///   - header: whose slot it is; the serial is filled in here.
    ///   - enclosing: for a callback, the call that it was lent for.
    func call(_ slot: SlotDescriptor, _ header: MessageHeader, _ arguments: Arguments, enclosing: Arguments? = nil, limit: Duration?)
        -> Int64
    {
        guard !isLost else { return slot.answerUnavailable(arguments, reason) }
        let thread = ThreadState.current
        guard thread.pending.count < Self.maximumDepth else {
            return slot.answerFault(arguments, "calls are nested more than \(Self.maximumDepth) deep")
        }
        var call = OutgoingCall(peer: self, slot: slot, arguments: arguments, enclosing: enclosing)
        var header = header
        header.serial = UInt32(thread.pending.count)
        let message: [UInt8]
        do {
            message = try call.encode(header)
        } catch {
            call.settle(isKept: false)
            guard case .refused(let sentence) = error else {
                return slot.answerFault(arguments, "\(slot.name) was called with arguments that do not fit together")
            }
            return slot.answerFault(arguments, sentence)
        }
        // A call inside another one cannot take longer than that one may.
        let outer = thread.pending.last { $0.peer === self }?.deadline
        var deadline = limit.map { ThreadState.Deadline(instant: .now + $0, slot: slot.name, limit: $0) }
        if let outer, deadline.map({ outer.instant < $0.instant }) ?? true { deadline = outer }
        thread.pending.append(ThreadState.Pending(peer: self, slot: slot, arguments: arguments, deadline: deadline))
        let outcome = exchange(message, call, thread, deadline)
        thread.pending.removeLast()
        switch outcome {
        case .success(let result):
            call.settle(isKept: result == Int64(APUS_OK))
            return result
        case .failure(let failure):
            let sentence = fail(failure.trouble)
            call.settle(isKept: false)
            return slot.answerUnavailable(arguments, sentence)
        }
    }

    private struct Failure: Error { let trouble: Trouble }

    private func exchange(_ message: [UInt8], _ call: OutgoingCall, _ thread: ThreadState, _ deadline: ThreadState.Deadline?) -> Result<
        Int64, Failure
    > {
        do {
            if let line = thread.line(to: self) { return .success(try converse(message, call, thread, line, deadline)) }
            let line = try lines.borrow()
            do {
                let result = try converse(message, call, thread, line, deadline)
                lines.giveBack(line, isUsable: true)
                return .success(result)
            } catch {
                lines.giveBack(line, isUsable: false)
                throw error
            }
        } catch let error as LineError {
            let limit = (slot: deadline?.slot ?? call.slot.name, after: deadline?.limit ?? .zero)
            return .failure(Failure(trouble: error == .timedOut ? .timedOut(slot: limit.slot, after: limit.after) : Trouble(error)))
        } catch let failure as Failure {
            return .failure(failure)
        } catch WireError.malformed(let what), WireError.refused(let what) {
            return .failure(Failure(trouble: .garbage(what)))
        } catch {
            return .failure(Failure(trouble: .lost))
        }
    }

    /// Sends the call and serves what comes in until the answer does.
    private func converse(
        _ message: [UInt8], _ call: OutgoingCall, _ thread: ThreadState, _ line: any Line, _ deadline: ThreadState.Deadline?
    ) throws -> Int64 {
        try line.send(message, deadline: deadline?.instant)
        while true {
            var message = try line.receive(deadline: deadline?.instant)
            let result = try message.withUnsafeMutableBytes { buffer -> Int64? in
                var reader = try MessageReader(buffer)
                let header = try MessageHeader(&reader)
                switch header.kind {
                case .answer: return try call.decode(Int64(bitPattern: header.id), &reader)
                case .flooded: throw Failure(trouble: .flooded(slot: call.slot.name, limit: Int(clamping: header.id)))
                default:
                    // Whoever calls back without end never lets `receive` wait, and is late all the same.
                    if let deadline, deadline.instant < .now { throw LineError.timedOut }
                    try serve(header, &reader, thread, line)
                    return nil
                }
            }
            if let result { return result }
        }
    }
}

/// One call on its way out.
struct OutgoingCall {
    let peer: Peer
    let slot: SlotDescriptor
    let arguments: Arguments
    let enclosing: Arguments?
    /// Callbacks that may outlive the call, and the number they were lent under.
    private var lent: (id: UInt64, callbacks: LentCallbacks)?

    init(peer: Peer, slot: SlotDescriptor, arguments: Arguments, enclosing: Arguments?) {
        self.peer = peer
        self.slot = slot
        self.arguments = arguments
        self.enclosing = enclosing
    }

    mutating func encode(_ header: MessageHeader) throws(WireError) -> [UInt8] {
        var writer = MessageWriter()
        header.write(to: &writer)
        for (index, shape) in slot.arguments.enumerated() { try encode(shape, index, &writer) }
        return writer.bytes
    }

    private mutating func encode(_ shape: Shape, _ index: Int, _ writer: inout MessageWriter) throws(WireError) {
        switch shape {
        case .me, .newMe, .table, .host, .newHandle, .sink: break
        case .int32: writer.word(UInt64(bitPattern: Int64(arguments.int32(index))))
        case .int64, .handle: writer.word(arguments.word(index))
        case .bytes:
            let bytes = arguments.bytes(index)
            try writer.counted(bytes.bytes, bytes.lentCount)
        case .text:
            guard let text = arguments.pointer(index) else { throw .refused("\(slot.name) was called without a text") }
            let start = UnsafePointer(text.assumingMemoryBound(to: UInt8.self))
            var count = 1
            while start[count - 1] != 0 { count += 1 }
            try writer.counted(start, count)
        case .structure(let layout, let optional):
            guard let structure = try pointer(index, optional, layout.name) else { return writer.none() }
            if let problem = Sized.problem(layout.name, structure, layout.size) { throw .refused(problem) }
            writer.word(UInt64(layout.size))
            try layout.write(structure, to: &writer)
        case .shared(let size):
            let address = UInt(bitPattern: arguments.pointer(index))
            guard peer.shares(address, size) else { throw .refused("\(slot.name) was called with columns outside of shared memory") }
            writer.word(UInt64(address))
        case .array(let element, let count, let direction, let optional):
            guard let array = try pointer(index, optional, "array") else { return writer.none() }
            let elements = try count.elements(arguments, enclosing: enclosing)
            if direction.isIn { try writer.counted(array, elements * element) } else { writer.word(UInt64(elements * element)) }
        case .number(let bytes, let direction):
            guard direction.isIn, let number = try pointer(index, false, "number") else { return }
            writer.word(bytes == 4 ? UInt64(bitPattern: Int64(number.load(as: Int32.self))) : number.load(as: UInt64.self))
        case .callbacks(let callbacks, let optional):
            guard let structure = try pointer(index, optional, callbacks.name) else { return writer.none() }
            if let problem = Sized.problem(callbacks.name, structure, callbacks.size) { throw .refused(problem) }
            if callbacks.life == .call { return writer.word(0) }
            let lent = LentCallbacks(callbacks, structure)
            guard let id = peer.lend(lent) else { throw .refused(peer.reason) }
            self.lent = (id, lent)
            writer.word(id)
        }
    }

    private func pointer(_ index: Int, _ optional: Bool, _ name: String) throws(WireError) -> UnsafeMutableRawPointer? {
        let pointer = arguments.pointer(index)
        guard pointer != nil || optional else { throw .refused("\(slot.name) was called without its \(name)") }
        return pointer
    }

    /// Copies what the answer holds to where the caller wants it. Lengths that come back are compared with what was asked for.
    func decode(_ result: Int64, _ reader: inout MessageReader) throws(WireError) -> Int64 {
        for (index, shape) in slot.arguments.enumerated() where shape.isOut {
            switch shape {
            case .newHandle: arguments.pointer(index)?.storeBytes(of: try reader.word(), as: UInt64.self)
            case .number(let bytes, _):
                let number = try reader.word()
                guard let target = arguments.pointer(index) else { break }
                if bytes == 4 {
                    target.storeBytes(of: UInt32(truncatingIfNeeded: number), as: UInt32.self)
                } else {
                    target.storeBytes(of: number, as: UInt64.self)
                }
            case .array(let element, let count, _, _):
                guard let bytes = try reader.counted() else { break }
                guard let target = arguments.pointer(index), bytes.count == (try count.elements(arguments, enclosing: enclosing)) * element
                else {
                    throw .malformed("an answer to \(slot.name) with an array of \(bytes.count) bytes")
                }
                target.copyMemory(from: bytes.baseAddress.unsafelyUnwrapped, byteCount: bytes.count)
            case .sink(let limit):
                guard let bytes = try reader.counted(), bytes.count <= limit else {
                    throw .malformed("an answer to \(slot.name) with more than its sink takes")
                }
                guard bytes.count > 0, let sink = arguments.pointer(index)?.load(as: apus_sink.self) else { break }
                sink.write(sink.context, apus_borrowed(bytes))
            default: break
            }
        }
        try reader.end()
        return slot.result == .void ? 0 : Int64(Int32(truncatingIfNeeded: result))
    }

    /// The call is over: callbacks that may outlive it do, or are as if never lent.
    func settle(isKept: Bool) {
        guard let lent else { return }
        if isKept { return lent.callbacks.keep() }
        _ = peer.forget(lent.id)
        lent.callbacks.abandon()
    }
}

extension Peer {
    /// Whether a structure of `size` bytes at `address` lies in memory that both sides map.
    func shares(_ address: UInt, _ size: Int) -> Bool {
        sharedMemory.contains(address) && UInt(size) <= sharedMemory.upperBound - address && address & 7 == 0
    }
}
