import APIModel
import PluginAPI
import Testing

@testable import PluginKit

/// What the kit does before and behind an author's code.
@Suite struct ComponentTests {
    private struct Settled: Component {
        static let settings: Set = ["second", "first"]
        init(_ host: Host, config: Value) throws {
            guard config["first"].int != 0 else { throw ComponentError.invalid("config.first: must not be zero") }
        }
    }

    private struct Plain: Component {
        init(_ host: Host, config: Value) {}
    }

    @Test func aFieldThatNobodyKnowsIsRefusedByName() throws {
        let host = TestHost().host
        #expect(throws: ComponentError.invalid("config.third: unknown field; known are first, second")) {
            try Settled.make(host, ["first": 1, "third": 3])
        }
        #expect(throws: ComponentError.invalid("config.first: unknown field; there are no settings")) { try Plain.make(host, ["first": 1]) }
        #expect(throws: ComponentError.invalid("config.first: must not be zero")) { try Settled.make(host, ["first": 0]) }
        _ = try Settled.make(host, ["first": 1, "second": 2])
        _ = try Plain.make(host, .emptyObject)
    }

    private struct Odd: Error {}

    @Test(
        arguments: [
            (ComponentError.unschedulable("never"), APUS_UNSCHEDULABLE, "never"),
            (APIError.conflict("pods", "web", "too late"), APUS_CONFLICT, "Operation cannot be fulfilled on pods \"web\": too late"),
            (APIError.badRequest("no"), APUS_INVALID, "no"),
            (CancellationError(), APUS_CANCELLED, "cancelled"),
            (Odd(), APUS_FAULT, "Odd()"),
        ] as [(any Error, apus_status, String)])
    func anErrorBecomesAStatusAndASentence(error: any Error, status: apus_status, sentence: String) {
        let said = Collector()
        #expect(said.collect { sink in boundary(sink) { throw error } } == status)
        #expect(String(decoding: said.bytes, as: UTF8.self) == sentence)
        #expect(boundary(nil) { throw error } == status)
    }
}
