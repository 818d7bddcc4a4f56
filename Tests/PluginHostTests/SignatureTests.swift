import Testing

@testable import PluginHost

@Suite struct SignatureTests {
    @Test func tablesAreFoundByTheirNumber() {
        #expect(Signatures.all.map(\.number).sorted() == (0..<UInt8(Signatures.all.count)).map(\.self))
        #expect(
            ExtensionKind.allCases.map(\.descriptor.id) == [
                "apus.scheduler-policy/1", "apus.controller/1", "apus.runtime/1", "apus.proxy/1", "apus.admission/1",
            ])
    }

    @Test func deadlinesAreReplacedWhereThereIsOne() {
        let (call, send, filter) = (Signatures.runtime.slots[0], Signatures.runtime.slots[3], Signatures.schedulerPolicy.slots[1])
        #expect(filter.limit(replacement: nil) == .seconds(1))
        #expect(filter.limit(replacement: .seconds(3)) == .seconds(3))
        #expect(send.limit(replacement: .seconds(3)) == nil)
        #expect(call.limit(replacement: .seconds(3), milliseconds: 0) == nil)
        #expect(call.limit(replacement: .seconds(3), milliseconds: 10) == .seconds(3))
        #expect(call.limit(replacement: nil, milliseconds: 1500) == .milliseconds(6500))
    }
}
