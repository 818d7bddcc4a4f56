import Foundation
import TestSupport
import Testing

/// A cluster of both families.
@Suite struct DualStackTests {
    private static let services = [
        ("single", "{}", ["10.96."]), ("prefer", "{ipFamilyPolicy: PreferDualStack}", ["10.96.", "fd00:10:96::"]),
        ("require", "{ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6]}", ["fd00:10:96::", "10.96."]),
        ("six", "{ipFamilies: [IPv6]}", ["fd00:10:96::"]),
        ("port", "{ipFamilyPolicy: RequireDualStack, type: NodePort}", ["10.96.", "fd00:10:96::"]),
    ]

    private static func service(_ name: String, _ families: String) -> String {
        let fields = families.dropFirst().dropLast()
        return """
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: \(name)}
            spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]\(fields.isEmpty ? "" : ", \(fields)")}

            """
    }

    @Test(.timeLimit(.minutes(5))) func bothFamiliesReachEverything() throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        cluster.options = ["--ip-families", "IPv4,IPv6", "--nodeport-addresses", "127.0.0.0/8,fd00:10:244::/56"]
        try cluster.up()
        try cluster.startWebAndClient(beside: Self.services.map { Self.service($0.0, $0.1) }.joined())

        // A node and its pods have an address of each.
        let node = try cluster.kubectl("get", "node", "e2e", "-o", "jsonpath={.spec.podCIDRs}")
        #expect(node == #"["10.244.0.0/24","fd00:10:244::/64"]"#)
        // Also after the status has changed: images have come.
        let internalIPs = try eventually {
            let path = #"{.status.images[*].names[0]} {.status.addresses[?(@.type=="InternalIP")].address}"#
            let words = try cluster.kubectl("get", "node", "e2e", "-o", "jsonpath=\(path)").split(separator: " ")
            guard words.contains(where: { $0.contains("apus.local/hello") }) else {
                throw Cluster.Failure(description: "the node has no images: \(words)")
            }
            return words.suffix(2)
        }
        #expect(internalIPs.map { $0.contains(":") } == [false, true], "\(internalIPs)")
        let ips = try cluster.kubectl("get", "pod", "web", "-o", "jsonpath={.status.podIPs[*].ip}").split(separator: " ").map(String.init)
        try #require(ips.count == 2)
        #expect(ips[0].hasPrefix("10.244.0.") && ips[1].hasPrefix("fd00:10:244::"), "\(ips)")
        let hosts = try cluster.kubectl("exec", "web", "--", "/bin/cat", "/etc/hosts")
        for ip in ips { #expect(hosts.contains("\(ip)\tweb\n"), "\(hosts)") }
        let told = try cluster.kubectl("exec", "client", "--", "/bin/sh", "-c", "echo $IPS").split(separator: ",")
        #expect(told.count == 2 && told[0].hasPrefix("10.244.0.") && told[1].hasPrefix("fd00:10:244::"), "\(told)")

        // Each address of each Service answers a pod, and the node.
        var addresses = ips.map { ($0, 8080) }
        for (name, _, prefixes) in Self.services {
            let own = try cluster.kubectl("get", "service", name, "-o", "jsonpath={.spec.clusterIPs[*]}").split(separator: " ")
            #expect(own.count == prefixes.count && zip(own, prefixes).allSatisfy { $0.hasPrefix($1) }, "\(name): \(own)")
            addresses += own.map { (String($0), 80) }
        }
        for (address, port) in addresses {
            try cluster.answersPod(address, port)
            try cluster.answersNode(address, port)
        }
        // Node ports are where they are asked for: on loopback, too.
        let port = try cluster.kubectl("get", "service", "port", "-o", "jsonpath={.spec.ports[0].nodePort}")
        for address in ["127.0.0.1", "fd00:10:244::1"] { try cluster.answersNode(address, try #require(Int(port))) }
        #expect(throws: Cluster.Failure.self) { try cluster.run("curl", "-sf", "--max-time", "2", "http://10.244.0.1:\(port)/") }

        // The host's port leads to the pod's address of the family that is asked.
        for gateway in ["10.244.0.1", "fd00:10:244::1"] { try cluster.answersNode(gateway, 18080) }

        // Names have both.
        let six = try cluster.kubectl("get", "service", "prefer", "-o", "jsonpath={.spec.clusterIPs[1]}")
        let question = ["exec", "client", "--", "/bin/busybox", "nslookup", "-type=aaaa", "prefer.default.svc.cluster.local"]
        let answer = try cluster.run(["kubectl", "--kubeconfig", "\(cluster.directory)/admin.kubeconfig"] + question)
        #expect(answer.contains(six), "\(answer)")

        try cluster.down()
        try cluster.expectNothingLeft()
    }
}
