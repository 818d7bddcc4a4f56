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
        #expect(wanted.rows.map(\.isChanged) == [true])
        #expect(wanted.removed.isEmpty)
    }

    @Test func nothingChangedIsNotMarked() {
        var table = table()
        table.didPutInForce(table.wanted())
        table.setService("default/web", ServicePortTests.service(ServicePortTests.plain))
        let wanted = table.wanted()
        #expect(wanted.previous == 1)
        #expect(wanted.rows.map(\.isChanged) == [false])
    }

    @Test func anEndpointThatGoesChangesItsPort() {
        var table = table()
        table.didPutInForce(table.wanted())
        table.setSlice("web-1", of: "default/web", nil)
        let wanted = table.wanted()
        #expect(wanted.rows.map(\.isChanged) == [true])
        #expect(wanted.rows.first?.port.endpoints.isEmpty == true)
    }

    @Test func aDeletedServiceIsRemovedAndItsIdNeverUsedAgain() {
        var table = table()
        let first = table.wanted()
        table.didPutInForce(first)
        table.setService("default/web", nil)
        let second = table.wanted()
        #expect(second.rows.isEmpty)
        #expect(second.removed == first.rows.map(\.id))
        table.didPutInForce(second)
        #expect(table.idCount == 0)
        table.setService("default/web", ServicePortTests.service(ServicePortTests.plain))
        #expect(Set(table.wanted().rows.map(\.id)).isDisjoint(with: first.rows.map(\.id)))
    }

    @Test func afterAFailureEverythingIsNew() {
        var table = table()
        table.didPutInForce(table.wanted())
        table.forgetInForce()
        let wanted = table.wanted()
        #expect(wanted.previous == 0)
        #expect(wanted.rows.map(\.isChanged) == [true])
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
            #expect(wanted.rows.map(\.id) == [first.rows[0].id + UInt64(round) + 1])
            table.didPutInForce(wanted)
            last = wanted
        }
        #expect(last.rows.count == 1 && table.idCount == 1)
        // What stays keeps its id.
        #expect(table.wanted().rows.map(\.id) == last.rows.map(\.id))
    }

    /// Not even while the backend takes nothing.
    @Test func whatNeverCameIntoForceLeavesNothing() {
        var table = table()
        let first = table.wanted()
        for round in 0..<100 {
            var service = ServicePortTests.service(ServicePortTests.plain)
            service["metadata"]["name"] = .string("s\(round)")
            table.setService("default/s\(round)", service)
            #expect(table.wanted().rows.count == 2)
            table.setService("default/s\(round)", nil)
        }
        let last = table.wanted()
        #expect(last.rows.map(\.id) == first.rows.map(\.id) && table.idCount <= 3)
    }
}
