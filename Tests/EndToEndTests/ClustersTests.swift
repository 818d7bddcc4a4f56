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

    private func serviceAddress(of cluster: Cluster) throws -> String {
        try cluster.kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}")
    }

    private func reaches(_ cluster: Cluster) throws {
        let address = try serviceAddress(of: cluster)
        _ = try eventually { try cluster.run("curl", "-sf", "--max-time", "2", "http://\(address)/") }
    }
}
