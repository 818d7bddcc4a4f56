import APIModel
import Testing

@testable import Kubelet

@Suite struct SandboxAddressTests {
    @Test(
        "A pod's first address is of the family of its node's",
        arguments: [
            (["10.1.0.5", "fd00::5"], ["192.0.2.1"], ["10.1.0.5", "fd00::5"]), (["fd00::5", "10.1.0.5"], [], ["10.1.0.5", "fd00::5"]),
            (["10.1.0.5", "fd00::5"], ["2001:db8::1", "192.0.2.1"], ["fd00::5", "10.1.0.5"]), (["fd00::5"], ["192.0.2.1"], ["fd00::5"]),
            (["10.1.0.5", "10.1.0.6", "fd00::5"], ["192.0.2.1"], ["10.1.0.5", "fd00::5"]), ([], ["192.0.2.1"], []),
        ] as [([String], [String], [String])])
    func order(given: [String], node: [String], expected: [String]) {
        var sandbox = PodRuntime.Sandbox(id: "s", attempt: 0, isReady: true, createdAt: 1)
        sandbox.ips = given
        #expect(sandbox.addresses(asOf: node) == expected)
    }
}
