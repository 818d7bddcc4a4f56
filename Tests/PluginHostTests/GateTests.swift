import Testing

@testable import PluginHost

@Suite struct GateTests {
    @Test func givesLeasesWhileItIsOpen() {
        let gate = Gate()
        #expect(!gate.enter())
        gate.open()
        #expect(gate.enter() && gate.enter())
        gate.close()
        #expect(!gate.enter())
        gate.leave()
        gate.leave()
        #expect(gate.drain(seconds: 0))
    }

    @Test func drainWaitsForTheLastLease() async {
        let gate = Gate()
        gate.open()
        #expect(gate.enter())
        gate.close()
        #expect(!gate.drain(seconds: 0))
        let pool = ThreadPool(name: "test", limit: 2)
        async let drained = pool.run { gate.drain(seconds: 60) }
        await pool.run { gate.leave() }
        #expect(await drained)
    }

    @Test func nobodyEntersAfterTheDrain() async {
        let gate = Gate()
        gate.open()
        let (pool, isDrained) = (ThreadPool(name: "test", limit: 5), Locked(false))
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    await pool.run {
                        while gate.enter() {
                            if isDrained.value { return false }
                            gate.leave()
                        }
                        return true
                    }
                }
            }
            let drained = await pool.run {
                gate.close()
                let drained = gate.drain(seconds: 60)
                isDrained.change { $0 = true }
                return drained
            }
            #expect(drained)
            for await isFine in group { #expect(isFine) }
        }
    }
}
