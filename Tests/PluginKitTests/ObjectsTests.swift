import APIModel
import PluginAPI
import Testing

@testable import PluginKit

/// A host's refusals as errors.
@Suite struct ObjectsTests {
    /// Answers every read with the status that its context points to.
    private func reading<R>(_ status: apus_status, _ body: (Objects) throws -> R) rethrows -> R {
        var table = TestHost().host.objects.table.pointee
        table.get = { context, _, sink in
            sink.write(JSON.encode(["kind": "Status", "code": 503, "reason": "ServiceUnavailable", "message": "not now"]))
            return context!.load(as: apus_status.self)
        }
        table.list = { context, _, _, _, _ in context!.load(as: apus_status.self) }
        var status = status
        return try withUnsafeMutablePointer(to: &status) { context in
            try withUnsafePointer(to: table) { try body(Objects(table: $0, context: context)) }
        }
    }

    /// So that a reconcile that does not catch it answers CANCELLED, which is nobody's fault.
    @Test func aCallThatStopCutsShortIsCancelled() {
        reading(APUS_CANCELLED) { objects in
            #expect(throws: CancellationError.self) { try objects.get(.pods, namespace: "blue", name: "web") }
            #expect(throws: CancellationError.self) { try objects.list(.pods) }
        }
    }

    @Test func aRefusalHasTheWordsOfTheAPI() {
        reading(APUS_UNAVAILABLE) { objects in
            #expect(throws: APIError(code: 503, reason: .serviceUnavailable, message: "not now")) {
                try objects.get(.pods, namespace: "blue", name: "web")
            }
            #expect(throws: APIError(code: 503, reason: .serviceUnavailable, message: "the host answered 9")) { try objects.list(.pods) }
        }
    }
}
