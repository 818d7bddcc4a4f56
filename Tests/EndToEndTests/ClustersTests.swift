import Foundation
import TestSupport
import Testing

/// Two clusters on one machine, at once.
@Suite struct ClustersTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static let pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec:
          terminationGracePeriodSeconds: 1
          containers: [{name: web, image: apus.local/hello:1}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec:
          selector: {app: web}
          ports: [{port: 80, targetPort: 8080}]
        """

    @Test(.timeLimit(.minutes(8))) func twoDoNotMeet() throws {
        let first = try Cluster(name: "e2e-one")
        let second = try Cluster(name: "e2e-two")
        setenv("APUS_CLUSTERS_DIR", "\(first.directory)-clusters", 1)
        defer {
            first.remove()
            second.remove()
            try? FileManager.default.removeItem(atPath: "\(first.directory)-clusters")
            unsetenv("APUS_CLUSTERS_DIR")
        }
        for cluster in [first, second] {
            try cluster.up()
            let image = "\(cluster.directory)/hello.tar"
            try cluster.pack(Self.repository + "/examples/hello/pack", to: image)
            try cluster.load(image: image)
            try cluster.kubectl("apply", "-f", "-", input: Self.pod)
        }
        for cluster in [first, second] { try cluster.kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=60s") }
        let list = try first.run(first.products + "/apus", "list").split(separator: "\n")
        for cluster in [first, second] { #expect(list.contains { $0.contains(cluster.directory) && $0.contains(" Up ") }, "\(list)") }

        // Each has addresses of its own, and both carry their Services.
        let addresses = try [first, second].map { try serviceAddress(of: $0) }
        #expect(addresses[0].hasPrefix("10.97.") && addresses[1].hasPrefix("10.98."), "\(addresses)")
        for cluster in [first, second] { try reaches(cluster) }
        try isReachedFromOutside(second, addresses[1])
        try first.kubectl("create", "namespace", "mine")
        #expect(try !second.kubectl("get", "namespaces").contains("mine"))

        // What goes with one leaves the other alone.
        try first.down()
        for what in [["ip", "link"], ["nft", "list", "tables"]] {
            let there = try first.run(what)
            #expect(!there.contains("apus1") && there.contains("apus2"), "\(there)")
        }
        try reaches(second)
        #expect(try second.kubectl("get", "pod", "web", "--no-headers").contains("Running"))
        #expect(try first.run(first.products + "/apus", "list").contains(" Down "))
        // Its data is there, and its name is known.
        try first.up()
        #expect(try first.kubectl("get", "namespaces").contains("mine"))
        #expect(try serviceAddress(of: first) == addresses[0])
        try second.down()
        try first.down()
        for what in [["ip", "link"], ["nft", "list", "tables"]] {
            let there = try first.run(what)
            #expect(!there.contains("apus1") && !there.contains("apus2"), "\(there)")
        }
        #expect(throws: Cluster.Failure.self) { try first.run(first.products + "/apus", "down", "--name", "e2e-nobody") }
    }

    /// A machine that is no node: a network with a way to the node, and in it a proxy alone, for its user.
    private static let outside = #"""
        executable=$1 config=$2 address=$3 link=apus-out$$
        unshare --net sh -c '
          while ! ip link show inside >/dev/null 2>&1; do sleep 0.05; done
          ip link set lo up
          ip address add 198.18.213.2/30 dev inside && ip link set inside up && ip route add default via 198.18.213.1 || exit 1
          exec "$1" kube-proxy --kubeconfig "$2" --plugin proxy-userspace --hostname-override outside --bind-address 198.18.213.2
        ' outside "$executable" "$config" &
        machine=$!
        trap 'kill $machine; wait $machine; ip link delete $link 2>/dev/null' EXIT
        while [ "$(readlink /proc/$machine/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do kill -0 $machine || exit 1; done
        ip link add $link type veth peer name inside netns $machine && ip address add 198.18.213.1/30 dev $link && ip link set $link up || exit 1
        for try in $(seq 100); do
          kill -0 $machine || exit 1
          nsenter --target $machine --net curl -sf --max-time 2 http://$address/ && exit 0
          sleep 0.1
        done
        exit 1
        """#

    private func isReachedFromOutside(_ cluster: Cluster, _ address: String) throws {
        let config = "\(cluster.directory)/outside.kubeconfig"
        // By the address of the node's bridge, which leads there from everywhere.
        try cluster.kubectl("config", "view", "--raw").replacing(/https:\/\/127\.0\.0\.1:/, with: "https://10.242.0.1:").write(
            toFile: config, atomically: true, encoding: .utf8)
        let executable = cluster.products + "/apus"
        #expect(try !cluster.run("bash", "-c", Self.outside, "outside", executable, config, address).isEmpty)
    }

    private func serviceAddress(of cluster: Cluster) throws -> String {
        try cluster.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    }

    private func reaches(_ cluster: Cluster) throws {
        let address = try serviceAddress(of: cluster)
        _ = try eventually { try cluster.run("curl", "-sf", "--max-time", "2", "http://\(address)/") }
    }
}
