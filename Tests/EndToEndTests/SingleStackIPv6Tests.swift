import Foundation
import TestSupport
import Testing

/// A cluster that has addresses of IPv6 alone.
@Suite struct SingleStackIPv6Tests {
    private static let services = """
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: inside}
        spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: port}
        spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080, nodePort: 30080}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: balanced}
        spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 8088, targetPort: 8080}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: headless}
        spec: {clusterIP: None, selector: {app: web}, ports: [{port: 8080}]}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: alias}
        spec: {type: ExternalName, externalName: inside.default.svc.cluster.local}
        """
    private static let gateway = "fd00:10:244::1"

    @Test(.timeLimit(.minutes(5))) func everythingIsThere() throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        cluster.options = ["--ip-families", "IPv6"]
        try cluster.up()
        try cluster.startWebAndClient(beside: Self.services)

        let node = try cluster.kubectl("get", "node", "e2e", "-o", "jsonpath={.spec.podCIDRs} {.status.addresses[0].address}")
        #expect(node.hasPrefix(#"["fd00:10:244::/64"] "#) && node.split(separator: " ")[1].contains(":"), "\(node)")
        let pod = try cluster.kubectl("get", "pod", "web", "-o", "jsonpath={.status.podIPs[*].ip}")
        #expect(pod.hasPrefix("fd00:10:244::") && !pod.contains(" "), "\(pod)")
        try cluster.answersNode(pod, 8080)
        try cluster.answersNode(Self.gateway, 18080)

        try names(cluster, pod)
        // By address, and by name.
        let inside = try cluster.kubectl("get", "service", "inside", "-o", "jsonpath={.spec.clusterIPs[*]}")
        #expect(inside.hasPrefix("fd00:10:96::") && !inside.contains(" "), "\(inside)")
        try cluster.answersNode(inside, 80)
        for (address, port) in [
            (inside, 80), ("inside", 80), ("alias", 80), ("headless.default", 8080), ("port.default.svc", 80), (Self.gateway, 30080),
            ("balanced", 8088),
        ] { try cluster.answersPod(address, port) }
        try cluster.answersNode(Self.gateway, 30080)
        let balanced = try eventually {
            let address = try cluster.kubectl("get", "service", "balanced", "-o", "jsonpath={.status.loadBalancer.ingress[*].ip}")
            guard address.contains(":") else { throw Cluster.Failure(description: "the balancer's address is \(address)") }
            return address
        }
        try cluster.answersNode(balanced, 8088)

        // The API, as a pod reaches it.
        let version = try cluster.inClient(
            "/bin/busybox", "wget", "-q", "-O", "-", "--no-check-certificate", "https://kubernetes.default/version")
        #expect(version.contains("gitVersion"), "\(version)")
        try kubectl(cluster)

        try cluster.down()
        try cluster.expectNothingLeft()
    }

    /// The name server is asked over IPv6, and has no other addresses to tell.
    private func names(_ cluster: Cluster, _ pod: String) throws {
        #expect(try cluster.inClient("/bin/cat", "/etc/resolv.conf").contains("nameserver fd00:10:96::a\n"))
        func lookup(_ name: String, _ type: String) throws -> String {
            try cluster.inClient("/bin/busybox", "nslookup", "-type=\(type)", name)
        }
        try eventually {
            let answer = try lookup("headless.default.svc.cluster.local", "aaaa")
            guard answer.contains(pod) else { throw Cluster.Failure(description: answer) }
        }
        #expect(try lookup("kubernetes.default.svc.cluster.local", "aaaa").contains("Address: fd00:10:96::1"))
        #expect(try !lookup("kubernetes.default.svc.cluster.local", "a").contains("Name:"))
        #expect(try cluster.inClient("/bin/busybox", "nslookup", "fd00:10:96::1").contains("kubernetes.default.svc.cluster.local"))
    }

    /// What goes by the node's kubelet.
    private func kubectl(_ cluster: Cluster) throws {
        #expect(try cluster.inClient("/bin/hostname") == "client\n")
        #expect(try cluster.kubectl("logs", "web").isEmpty == false)
        let said = "\(cluster.directory)/port-forward.log"
        let forwarding = try cluster.start("kubectl", "port-forward", "service/inside", "18090:80", saying: said)
        defer {
            // Not by a signal that can be blocked: what the tests' threads block, their children block, too.
            kill(forwarding.processIdentifier, SIGKILL)
            forwarding.waitUntilExit()
        }
        for address in ["127.0.0.1", "::1"] { try cluster.answersNode(address, 18090) }
    }
}
