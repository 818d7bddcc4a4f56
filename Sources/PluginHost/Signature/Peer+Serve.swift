internal import PluginAPI

// Calls of the far side: decode, call, encode what comes out.
extension Peer {
    /// Serves the calls that come in on `line`, on this thread, until the line or the peer is lost. What the far side sends wrong makes it
    /// be lost.
    func serve(_ line: any Line) {
        let thread = ThreadState.current
        do {
            while !isLost {
                var message = try line.receive(deadline: nil)
                try message.withUnsafeMutableBytes { buffer in
                    var reader = try MessageReader(buffer)
                    try serve(try MessageHeader(&reader), &reader, thread, line)
                }
            }
        } catch WireError.malformed(let what), WireError.refused(let what) {
            _ = fail(.garbage(what))
        } catch {
            _ = fail((error as? LineError).map(Trouble.init) ?? .lost)
        }
    }

    /// Serves one call, whose message `reader` is in, and sends the answer.
    func serve(_ header: MessageHeader, _ reader: inout MessageReader, _ thread: ThreadState, _ line: any Line) throws {
        guard thread.served.count < Self.maximumDepth else { throw WireError.malformed("calls nested more than \(Self.maximumDepth) deep") }
        thread.served.append(ThreadState.Served(peer: self, line: line))
        defer { thread.served.removeLast() }
        let answer: [UInt8]?
        switch header.kind {
        case .call: answer = try serveCall(header, &reader, line)
        case .lentCallback: answer = try serveLent(header, &reader, line)
        case .nestedCallback: answer = try serveNested(header, &reader, thread, line)
        case .answer, .flooded: throw WireError.malformed("an answer to nothing")
        }
        // Without one the far side was told already that none comes.
        guard let answer else { throw LineError.lost }
        // Where the far side called back, its answer to the call under way is due all the same.
        try line.send(answer, deadline: thread.pending.last { $0.peer === self }?.deadline?.instant)
    }

    private func serveCall(_ header: MessageHeader, _ reader: inout MessageReader, _ line: any Line) throws(WireError) -> [UInt8]? {
        guard let offer = offer(number: header.table), Int(header.slot) < offer.descriptor.slots.count else {
            throw .malformed("a call of slot \(header.slot) of table \(header.table), which is not offered")
        }
        let slot = offer.descriptor.slots[Int(header.slot)]
        guard let function = offer.function(Int(header.slot)) else { throw .malformed("a call of \(slot.name), which is absent") }
        return try Invocation(
            peer: self, slot: slot, line: line, serial: header.serial, instance: offer.instance, me: offer.instance.pointer,
            table: offer.table, enclosing: nil
        )
        .run(function, &reader)
    }

    private func serveLent(_ header: MessageHeader, _ reader: inout MessageReader, _ line: any Line) throws(WireError) -> [UInt8]? {
        let nothing = MessageHeader(kind: .answer).message
        // Over, or never lent: there is nobody to tell.
        guard let lent = lent(header.id), Int(header.slot) < lent.callbacks.slots.count, let function = lent.function(Int(header.slot))
        else { return nothing }
        if lent.callbacks.life == .until(slot: Int(header.slot)) {
            _ = forget(header.id)
            lent.end()
            return nothing
        }
        guard lent.enter() else { return nothing }
        defer { lent.leave() }
        return try Invocation(
            peer: self, slot: lent.callbacks.slots[Int(header.slot)], line: line, serial: header.serial, instance: nil, me: lent.context,
            table: nil, enclosing: nil
        ).run(function, &reader)
    }

    private func serveNested(_ header: MessageHeader, _ reader: inout MessageReader, _ thread: ThreadState, _ line: any Line)
        throws(WireError) -> [UInt8]?
    {
        guard header.id < UInt64(thread.pending.count) else { throw .malformed("a callback of call \(header.id), which is not under way") }
        let call = thread.pending[Int(header.id)]
        let argument = Int(header.table)
        guard call.peer === self, argument < call.slot.arguments.count, case .callbacks(let callbacks, _) = call.slot.arguments[argument],
            callbacks.life == .call,
            Int(header.slot) < callbacks.slots.count, let structure = call.arguments.pointer(argument)
        else { throw .malformed("a callback that was not lent") }
        guard let function = callbacks.function(Int(header.slot), of: structure) else { throw .malformed("a callback that is absent") }
        return try Invocation(
            peer: self, slot: callbacks.slots[Int(header.slot)], line: line, serial: header.serial, instance: nil,
            me: Callbacks.context(of: structure), table: nil, enclosing: call.arguments
        ).run(function, &reader)
    }
}
