import Foundation
import TestSupport
import Testing

/// A page and somebody who asks for it, both pods.
extension Cluster {
    private static let pods = """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, labels: {app: web}}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - {name: web, image: apus.local/hello:1, ports: [{containerPort: 8080, hostPort: 18080}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: client}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
          - name: client
            image: apus.local/hello:1
            command: [/bin/busybox, sleep, "1000"]
            env: [{name: IPS, valueFrom: {fieldRef: {fieldPath: status.podIPs}}}]
        """

    /// Returns when both pods are ready.
    ///
    /// - Parameter objects: documents that each begin with `---`.
    func startWebAndClient(beside objects: String) throws {
        let image = "\(directory)/hello.tar"
        try pack(NewcomerTests.repository + "/examples/hello/pack", to: image)
        try load(image: image)
        try kubectl("apply", "-f", "-", input: "\(Self.pods)\n\(objects)")
        try kubectl("wait", "pod", "--all", "--for=condition=Ready", "--timeout=60s")
    }

    /// The page is there for the node.
    func answersNode(_ address: String, _ port: Int) throws {
        let host = address.contains(":") ? "[\(address)]" : address
        _ = try eventually { try run("curl", "-sf", "--max-time", "2", "http://\(host):\(port)/") }
    }

    /// The page is there for the pod `client`, at an address or a name.
    func answersPod(_ address: String, _ port: Int) throws {
        let request = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc \(address) \(port)"
        _ = try eventually {
            let page = try inClient("/bin/sh", "-c", request)
            guard page.contains("Hello from web") else { throw Failure(description: "\(address): \(page)") }
        }
    }

    /// What a command says in the pod `client`.
    func inClient(_ words: String...) throws -> String {
        try run(["kubectl", "--kubeconfig", "\(directory)/admin.kubeconfig", "exec", "client", "--"] + words)
    }

    /// Of a cluster that is down.
    func expectNothingLeft(location: SourceLocation = #_sourceLocation) throws {
        for what in [["ip", "link"], ["ip", "-6", "route"], ["nft", "list", "tables"]] {
            let there = try run(what)
            #expect(!there.contains("apus") && !there.contains("fd00:10:"), "\(there)", sourceLocation: location)
        }
    }
}
