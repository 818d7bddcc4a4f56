import PluginAPI
import Synchronization
import Testing

@testable import PluginHost

/// What comes from the far side may be anything: it is refused, and nothing traps, overruns or waits. The seeds are fixed.
@Suite struct WireFuzzTests {
    /// A generator that is the same each time (SplitMix64).
    struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    /// A line whose far side says what it was told to, whatever it hears, and then breaks.
    final class ScriptedLine: Line, LineSource {
        private let script: Mutex<[[UInt8]]>
        init(_ script: [[UInt8]]) { self.script = Mutex(script.reversed()) }
        func send(_ message: [UInt8], deadline: ContinuousClock.Instant?) throws(LineError) {}
        func receive(deadline: ContinuousClock.Instant?) throws(LineError) -> [UInt8] {
            guard let message = script.withLock({ $0.popLast() }) else { throw .lost }
            return message
        }
        func borrow() throws(LineError) -> any Line { self }
        func giveBack(_ line: any Line, isUsable: Bool) {}
    }

    /// Numbers that decoders get wrong.
    private static let edges: [UInt64] = [0, 1, 7, 8, .max, .max - 1, 1 << 63, 1 << 32, (1 << 32) - 1, 1 << 31, 255, 256 << 20]

    private static func mutate(_ message: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var message = message
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !message.isEmpty {
            let place = Int.random(in: 0..<message.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: message[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: message[place] = .random(in: 0...255, using: &generator)
            case 2:
                // A word: lengths, counts and addresses are words.
                let word = withUnsafeBytes(of: edges.randomElement(using: &generator)!) { Array($0) }
                let start = place & ~7
                for (offset, byte) in word.enumerated() where start + offset < message.count { message[start + offset] = byte }
            case 3: message.removeLast(message.count - place)
            case 4: message.insert(contentsOf: [UInt8](repeating: 0, count: 8), at: place & ~7)
            default: message.removeSubrange(place..<min(message.count, place + 8))
            }
        }
        return message
    }

    /// Every message that a call of every slot makes, by who sent it.
    private static func messages() -> (host: [[UInt8]], child: [[UInt8]]) {
        var all: (host: [[UInt8]], child: [[UInt8]]) = ([], [])
        func collect(_ run: (WireBench) -> Void) {
            let bench = WireBench()
            run(bench)
            all.host += bench.messages.host
            all.child += bench.messages.child
        }
        collect { bench in _ = WireRoundTripTests.both(Signatures.schedulerPolicy, WirePlugin.policy(), bench: bench) { $0.policy($1, $2) }
        }
        collect { bench in
            _ = WireRoundTripTests.both(Signatures.controller, WirePlugin.controller(), bench: bench) { $0.controller($1, $2) }
        }
        collect { bench in _ = WireRoundTripTests.both(Signatures.runtime, WirePlugin.runtime(), bench: bench) { $0.runtime($1, $2) } }
        collect { bench in _ = WireRoundTripTests.both(Signatures.proxy, WirePlugin.proxy(), bench: bench) { $0.proxy($1, $2) } }
        collect { bench in
            _ = WireRoundTripTests.both(Signatures.admission, WirePlugin.admission(), bench: bench) { $0.admission($1, $2) }
        }
        collect { bench in _ = WireRoundTripTests.both(Signatures.hostLog, WirePlugin.log(), from: .child, bench: bench) { $0.log($1, $2) }
        }
        collect { bench in
            _ = WireRoundTripTests.both(Signatures.hostObjects, WirePlugin.objects(), from: .child, bench: bench) { $0.objects($1, $2) }
        }
        collect { bench in
            _ = WireRoundTripTests.both(Signatures.hostKinds, WirePlugin.kinds(), from: .child, bench: bench) { $0.kinds($1, $2) }
        }
        return all
    }

    /// The columns that a fuzzed message may name: these and no others.
    private static func columns(_ samples: Samples) -> (nodes: UnsafePointer<apus_nodes>, range: Range<UInt>) {
        let nodes = samples.nodes(130)
        let address = UInt(bitPattern: nodes)
        return (nodes, address..<address + UInt(MemoryLayout<apus_nodes>.size))
    }

    /// Offers every table, so that every slot can be reached; lends callbacks, so that some numbers mean something.
    private static func offerAll(_ peer: Peer, _ samples: Samples, _ witness: Witness) {
        let instance = Instance(witness.me)
        peer.offer(Signatures.schedulerPolicy, at: samples.array([WirePlugin.policy()]), instance)
        peer.offer(Signatures.controller, at: samples.array([WirePlugin.controller()]), instance)
        peer.offer(Signatures.runtime, at: samples.array([WirePlugin.runtime()]), instance)
        peer.offer(Signatures.proxy, at: samples.array([WirePlugin.proxy()]), instance)
        peer.offer(Signatures.admission, at: samples.array([WirePlugin.admission()]), instance)
        peer.offer(Signatures.hostLog, at: samples.array([WirePlugin.log()]), instance)
        peer.offer(Signatures.hostObjects, at: samples.array([WirePlugin.objects()]), instance)
        peer.offer(Signatures.hostKinds, at: samples.array([WirePlugin.kinds()]), instance)
        for callbacks in [Signatures.streamEvents, Signatures.runtimeEvents] {
            let functions: UnsafeRawPointer
            if callbacks === Signatures.streamEvents {
                functions = UnsafeRawPointer(
                    samples.array([
                        apus_stream_events(
                            context: witness.me, data: { Witness.of($0).note($2.string) }, ended: { Witness.of($0).note("ended") })
                    ]))
            } else {
                functions = UnsafeRawPointer(
                    samples.array([apus_runtime_events(context: witness.me) { Witness.of($0).note($1.string + $2.string) }]))
            }
            let lent = LentCallbacks(callbacks, functions)
            _ = peer.lend(lent)
            lent.keep()
        }
    }

    @Test func callsOfAnyKindAreServedOrRefused() {
        var generator = Generator(state: 1)
        let samples = Samples()
        let (nodes, range) = Self.columns(samples)
        let all = Self.messages()
        // Rightly addressed columns, so that what follows them is reached.
        let seeds = (all.host + all.child).map { Self.addressing($0, nodes) }
        var served = 0
        for round in 0..<5_000 {
            let witness = Witness()
            let memory = Samples()
            let side: Peer.Side = round.isMultiple(of: 2) ? .host : .child
            let script = (0..<3).map { _ in Self.mutate(seeds.randomElement(using: &generator)!, &generator) }
            let line = ScriptedLine(script)
            let peer = Peer(side, lines: line, sharedMemory: range) { "\($0)" }
            Self.offerAll(peer, memory, witness)
            peer.serve(line)
            #expect(peer.isLost)
            served += witness.take().count
            withExtendedLifetime(memory) {}
        }
        // The mutations are small: many calls get through, or the decoders behind the first check were never reached.
        #expect(served > 1_000)
    }

    @Test func answersOfAnyKindAreTakenOrRefused() {
        var generator = Generator(state: 2)
        let samples = Samples()
        let (nodes, range) = Self.columns(samples)
        let all = Self.messages()
        let seeds = (all.host + all.child).map { Self.addressing($0, nodes) }
        let answers = seeds.filter { $0.first == MessageHeader.Kind.answer.rawValue }
        var answered = 0
        for _ in 0..<500 {
            let witness = Witness()
            let memory = Samples()
            let script = (0..<4).map { index in
                Self.mutate((index.isMultiple(of: 2) ? answers : seeds).randomElement(using: &generator)!, &generator)
            }
            for descriptor in [
                Signatures.schedulerPolicy, Signatures.controller, Signatures.runtime, Signatures.proxy, Signatures.admission,
            ] {
                let line = ScriptedLine(script)
                let peer = Peer(.host, lines: line, sharedMemory: range) { "\($0)" }
                Self.offerAll(peer, memory, witness)
                let imported = ImportedTable(descriptor)
                imported.connect(peer)
                let report = Self.callAll(imported, nodes)
                answered += report.count { !$0.contains(" 9: ") }
                peer.lose("over")
            }
            withExtendedLifetime(memory) {}
        }
        #expect(answered > 500)
    }

    /// The message with the address of `nodes` where the calls of `filter` and `score` have theirs: behind the Pod, a word that is an
    /// address of the heap.
    private static func addressing(_ message: [UInt8], _ nodes: UnsafePointer<apus_nodes>) -> [UInt8] {
        guard message.count > 16, message[0] == MessageHeader.Kind.call.rawValue, message[1] == Signatures.schedulerPolicy.number,
            // `filter`, `score`, `explain` and `permit`
            (1...4).contains(message[2])
        else { return message }
        var message = message
        message.withUnsafeMutableBytes { buffer in
            var reader = try! MessageReader(buffer)
            let before = reader.remaining
            _ = try! MessageHeader(&reader)
            _ = try! reader.word()
            _ = try! Signatures.pod.read(&reader)
            buffer.storeBytes(of: UInt(bitPattern: nodes), toByteOffset: before - reader.remaining, as: UInt.self)
        }
        return message
    }

    private static func callAll(_ imported: ImportedTable, _ nodes: UnsafePointer<apus_nodes>) -> [String] {
        let caller = Caller(nodes: nodes)
        defer { withExtendedLifetime(caller) {} }
        switch imported.descriptor.id {
        case APUS_SCHEDULER_POLICY: return caller.policy(imported.table.load(as: apus_scheduler_policy.self), imported.me)
        case APUS_CONTROLLER: return caller.controller(imported.table.load(as: apus_controller.self), imported.me)
        case APUS_RUNTIME: return caller.runtime(imported.table.load(as: apus_runtime.self), imported.me)
        case APUS_ADMISSION: return caller.admission(imported.table.load(as: apus_admission.self), imported.me)
        default: return caller.proxy(imported.table.load(as: apus_proxy.self), imported.me)
        }
    }

    /// Random bytes that begin like a message.
    @Test func noiseIsRefused() {
        var generator = Generator(state: 3)
        for _ in 0..<5_000 {
            var message = [UInt8](repeating: 0, count: Int.random(in: 0..<200, using: &generator))
            for index in message.indices where index >= 4 {
                message[index] = .random(in: 0...3, using: &generator) == 0 ? .random(in: 0...255, using: &generator) : 0
            }
            if message.count > 4 {
                (message[0], message[1], message[2]) = (
                    .random(in: 1...5, using: &generator), .random(in: 0...6, using: &generator), .random(in: 0...9, using: &generator)
                )
            }
            let line = ScriptedLine([message])
            let peer = Peer(.host, lines: line) { "\($0)" }
            let (samples, witness) = (Samples(), Witness())
            Self.offerAll(peer, samples, witness)
            peer.serve(line)
            #expect(peer.isLost)
            withExtendedLifetime((samples, witness)) {}
        }
    }
}
