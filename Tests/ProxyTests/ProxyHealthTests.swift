internal import APIModel
internal import Testing

@testable import Proxy

struct ProxyHealthTests {
    @Test(
        arguments: [
            (nil, false), (["metadata": ["name": "a"]], true), (["metadata": ["deletionTimestamp": "2026-01-01T00:00:00Z"]], false),
            (["spec": ["taints": [["key": "other"]]]], true),
            (["spec": ["taints": [["key": "other"], ["key": "ToBeDeletedByClusterAutoscaler"]]]], false),
        ] as [(Value?, Bool)])
    func nodesThatGoGetNothingNew(node: Value?, isEligible: Bool) { #expect(ProxyHealth.isEligible(node) == isEligible) }

    @Test func pageOfOneThatIsWell() {
        let health = ProxyHealth(problem: nil, lastUpdated: "2026-01-01T00:00:00.000000Z", isNodeEligible: false)
        let status: Value = ["lastUpdated": "2026-01-01T00:00:00.000000Z", "healthy": true]
        #expect(
            health.page([.ipv4, .ipv6], now: "2026-01-01T00:01:00.000000Z", tellsOfNode: true) == [
                "lastUpdated": "2026-01-01T00:01:00.000000Z", "currentTime": "2026-01-01T00:01:00.000000Z", "nodeEligible": false,
                "healthy": true, "status": ["IPv4": status, "IPv6": status],
            ])
    }

    @Test func pageOfOneThatIsNot() {
        let health = ProxyHealth(problem: "why", lastUpdated: "2026-01-01T00:00:00.000000Z")
        let page = health.page([.ipv4], now: "2026-01-01T00:01:00.000000Z", tellsOfNode: false)
        #expect(page["lastUpdated"] == "2026-01-01T00:00:00.000000Z" && page["healthy"] == false && page["nodeEligible"].isNull)
        #expect(ProxyHealth().page([], now: "2026-01-01T00:01:00.000000Z", tellsOfNode: false)["lastUpdated"] == "0001-01-01T00:00:00Z")
    }
}
