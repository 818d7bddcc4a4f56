internal import APIModel
internal import Testing

@testable import Proxy

/// The difference that a backend is told between one generation and the next.
struct ServiceTableTests {
    private func table() -> ServiceTable {
        var table = ServiceTable(nodeName: "a")
        table.setService("default/web", ServicePortTests.service(ServicePortTests.plain))
        table.setSlice("web-1", of: "default/web", ServicePortTests.slice(ServicePortTests.endpoint("10.0.0.1")))
        return table
    }

    @Test func theFirstStateIsAllNew() {
        var table = table()
        let wanted = table.wanted()
        #expect(wanted.previous == 0)
        #expect(wanted.changed.count == 1 && wanted.removed.isEmpty)
    }

    @Test func nothingChangedIsNotMarked() {
        var table = table()
        table.didPutInForce(table.wanted())
        table.setService("default/web", ServicePortTests.service(ServicePortTests.plain))
        let wanted = table.wanted()
        #expect(wanted.previous == 1)
        #expect(wanted.isEmpty)
    }

    @Test func anEndpointThatGoesChangesItsPort() {
        var table = table()
        table.didPutInForce(table.wanted())
        table.setSlice("web-1", of: "default/web", nil)
        let wanted = table.wanted()
        #expect(wanted.changed.map(\.port.endpoints) == [[]])
    }

    @Test func aDeletedServiceIsRemovedAndItsIdNeverUsedAgain() {
        var table = table()
        let first = table.wanted()
        table.didPutInForce(first)
        table.setService("default/web", nil)
        let second = table.wanted()
        #expect(second.changed.isEmpty)
        #expect(second.removed == first.changed.map(\.id))
        table.didPutInForce(second)
        #expect(table.idCount == 0)
        table.setService("default/web", ServicePortTests.service(ServicePortTests.plain))
        #expect(Set(table.wanted().changed.map(\.id)).isDisjoint(with: first.changed.map(\.id)))
    }

    @Test func afterAFailureEverythingIsNew() {
        var table = table()
        table.didPutInForce(table.wanted())
        table.forgetInForce()
        let wanted = table.wanted()
        #expect(wanted.previous == 0)
        #expect(wanted.changed.count == 1)
    }

    /// However many Services come and go, the table is as large as what is there; an id is never given to another.
    @Test func whatIsGoneLeavesNothing() {
        var table = table()
        let first = table.wanted()
        table.didPutInForce(first)
        var last = first
        for round in 0..<100 {
            table.setService("default/web", nil)
            table.didPutInForce(table.wanted())
            table.setService("default/web", ServicePortTests.service(ServicePortTests.plain))
            let wanted = table.wanted()
            #expect(wanted.changed.map(\.id) == [first.changed[0].id + UInt64(round) + 1])
            table.didPutInForce(wanted)
            last = wanted
        }
        #expect(last.changed.count == 1 && table.idCount == 1)
        // What stays keeps its id.
        table.forgetInForce()
        #expect(table.wanted().changed.map(\.id) == last.changed.map(\.id))
    }

    /// Not even while the backend takes nothing.
    @Test func whatNeverCameIntoForceLeavesNothing() {
        var table = table()
        let first = table.wanted()
        for round in 0..<100 {
            var service = ServicePortTests.service(ServicePortTests.plain)
            service["metadata"]["name"] = .string("s\(round)")
            table.setService("default/s\(round)", service)
            #expect(table.wanted().changed.count == 2)
            table.setService("default/s\(round)", nil)
        }
        let last = table.wanted()
        #expect(last.changed.map(\.id) == first.changed.map(\.id) && table.idCount == 1)
    }

    /// What comes while the backend works is the next difference, and so is what comes back to what it was.
    @Test func aChangeWhileTheBackendWorks() {
        var table = table()
        let first = table.wanted()
        table.setSlice("web-1", of: "default/web", nil)
        table.didPutInForce(first)
        let second = table.wanted()
        #expect(second.previous == first.generation && second.changed.map(\.id) == first.changed.map(\.id))
        table.setSlice("web-1", of: "default/web", ServicePortTests.slice(ServicePortTests.endpoint("10.0.0.1")))
        #expect(table.wanted().isEmpty)
    }
}
