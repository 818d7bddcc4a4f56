import Foundation
import TestSupport
import Testing

/// The day of a newcomer, start to end, on real parts.
@Suite(.serialized)
struct NewcomerTests {
    static let manifest = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: hello}
        spec:
          replicas: 3
          selector: {matchLabels: {app: hello}}
          template:
            metadata: {labels: {app: hello}}
            spec:
              terminationGracePeriodSeconds: 1
              containers:
                - name: web
                  image: apus.local/hello:1
                  ports: [{containerPort: 8080}]
                  readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: hello}
        spec:
          type: NodePort
          selector: {app: hello}
          ports: [{port: 80, targetPort: 8080, nodePort: 30081}]
        """

    @Test func deploysReachesRestartsAndLeavesNothing() throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        let said = try cluster.up()
        #expect(said.contains("node e2e is Ready"))

        // Health, as the classic tutorial looks at it.
        let statuses = try cluster.kubectl("get", "cs", "-o", "name")
        #expect(
            statuses.split(separator: "\n").sorted() == [
                "componentstatus/controller-manager", "componentstatus/scheduler", "componentstatus/store-0",
            ])
        #expect(try !cluster.kubectl("get", "cs").contains("Unhealthy"))
        let node = try cluster.kubectl("get", "nodes")
        #expect(node.contains(" Ready "))
        #expect(node.contains("+apus"))
        #expect(try cluster.kubectl("get", "node", "e2e", "-o", "jsonpath={.status.capacity.pods}") == "99", "what --kubelet-config says")

        // A web server on three pods, and a Service in front.
        let image = "\(cluster.directory)/hello.tar"
        try cluster.pack(Self.repository + "/examples/hello/pack", to: image)
        try cluster.load(image: image)
        try cluster.kubectl("apply", "-f", "-", input: Self.manifest)
        try cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
        let address = try cluster.kubectl("get", "service", "hello", "-o", "jsonpath={.spec.clusterIP}")
        let page = try eventually { try cluster.run("curl", "-sf", "--max-time", "2", "http://\(address)/") }
        #expect(page.contains("hello-"))
        let host = try cluster.kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}")
        _ = try eventually { try cluster.run("curl", "-sf", "--max-time", "2", "http://\(host):30081/") }

        // Looking inside.
        let pods = try names(cluster)
        #expect(pods.count == 3)
        #expect(try cluster.kubectl("exec", pods[0], "--", "hostname").trimmingCharacters(in: .whitespacesAndNewlines) == pods[0])
        #expect(try cluster.kubectl("exec", "-i", pods[0], "--", "cat", input: "through and back") == "through and back")
        #expect(try cluster.kubectl("logs", "deployment/hello", "--tail=5") != "")
        #expect(try cluster.kubectl("explain", "pod.spec").contains("containers"))
        #expect(try cluster.kubectl("describe", "pod", pods[0]).contains("Started"))

        // From pod to pod through the Service.
        #expect(
            try cluster.kubectl("exec", pods[0], "--", "sh", "-c", "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc \(address) 80").contains(
                "hello-"))

        // By name, too.
        let named = try cluster.kubectl("exec", pods[0], "--", "/bin/busybox", "nslookup", "-type=a", "hello.default.svc.cluster.local")
        #expect(named.contains(address))
        #expect(
            try cluster.kubectl("exec", pods[0], "--", "cat", "/etc/resolv.conf").contains(
                "search default.svc.cluster.local svc.cluster.local cluster.local"))

        // Applied by the server: others' changes are named, taken over when asked to, and what is not applied any more goes.
        func settings(_ data: String) -> String { "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {\(data)}\n" }
        try cluster.kubectl("apply", "--server-side", "-f", "-", input: settings("a: '1', b: '2'"))
        try cluster.kubectl("patch", "configmap", "settings", "--type=merge", "-p", #"{"data":{"b":"3"}}"#)
        #expect(try cluster.refusal("apply", "--server-side", "-f", "-", input: settings("a: '1', b: '2'")).contains(".data.b"))
        try cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input: settings("a: '1', b: '2'"))
        try cluster.kubectl("apply", "--server-side", "-f", "-", input: settings("b: '2'"))
        #expect(try cluster.kubectl("get", "configmap", "settings", "-o", "jsonpath={.data}") == #"{"b":"2"}"#)

        // A pod that is deleted is replaced.
        try cluster.kubectl("delete", "pod", pods[0], "--wait=true")
        try cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
        #expect(try !names(cluster).contains(pods[0]))

        // A crash of Apus in the middle of a rollout loses nothing, and restarts no pod.
        try cluster.kubectl("scale", "deployment/hello", "--replicas=5")
        try cluster.crash()
        try cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
        #expect(try names(cluster).count == 5)
        #expect(try Set(names(cluster)).isSuperset(of: pods.dropFirst()))
        let restarts = try cluster.kubectl("get", "pods", "-o", "jsonpath={.items[*].status.containerStatuses[0].restartCount}")
        #expect(Set(restarts.split(separator: " ")) == ["0"])

        try cluster.kubectl("rollout", "restart", "deployment/hello")
        try cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=90s")
        try cluster.kubectl("rollout", "undo", "deployment/hello")
        try cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=90s")

        // Down means gone.
        try cluster.down()
        #expect(try !cluster.run("nft", "list", "ruleset").contains("apus"))
        #expect(try !String(contentsOfFile: "/proc/mounts", encoding: .utf8).contains(cluster.directory))
        #expect(!FileManager.default.fileExists(atPath: "/sys/class/net/apus0"))
        #expect(try cluster.run("sh", "-c", "ps -eo args | grep -F '\(cluster.directory)' | grep -v grep || true").isEmpty)
    }

    private func names(_ cluster: Cluster) throws -> [String] {
        try cluster.kubectl(
            "get", "pods", "-l", "app=hello", "--field-selector=status.phase=Running", "-o", "jsonpath={.items[*].metadata.name}"
        ).split(separator: " ").map(
            String.init)
    }

    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
}
