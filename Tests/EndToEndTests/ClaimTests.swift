import APIModel
import Foundation
import Synchronization
import TestStorage
import TestSupport
import Testing

/// A driver of claims of our own in a real cluster: from its slice by way of the scheduler, the kubelet and the runtime into a container.
@Suite(.serialized)
struct ClaimTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static let objects = """
        apiVersion: resource.k8s.io/v1
        kind: DeviceClass
        metadata: {name: gpus}
        spec: {selectors: [{cel: {expression: 'device.driver == "gpu.example"'}}]}
        ---
        apiVersion: resource.k8s.io/v1
        kind: ResourceSlice
        metadata: {name: e2e-gpu}
        spec:
          driver: gpu.example
          nodeName: e2e
          pool: {name: e2e, generation: 1, resourceSliceCount: 1}
          devices:
            - {name: small, attributes: {size: {int: 1}}}
            - {name: large, attributes: {size: {int: 8}}}
        ---
        apiVersion: resource.k8s.io/v1
        kind: ResourceClaimTemplate
        metadata: {name: large}
        spec:
          spec:
            devices:
              requests:
                - name: gpu
                  exactly: {deviceClassName: gpus, selectors: [{cel: {expression: 'device.attributes["gpu.example"].size > 4'}}]}
        """

    private static func pod(_ name: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          terminationGracePeriodSeconds: 1
          resourceClaims: [{name: gpu, resourceClaimTemplateName: large}]
          containers:
            - {name: web, image: "apus.local/hello:1", command: [/bin/busybox, sleep, "1000"], resources: {claims: [{name: gpu}]}}
        """
    }

    /// What the driver has written down of its devices, where every container runtime of the machine looks.
    private static let specification = """
        {"cdiVersion": "0.6.0", "kind": "gpu.example/gpu", "devices": [
          {"name": "large", "containerEdits": {
            "env": ["GPU=large"], "deviceNodes": [{"path": "/dev/gpu0", "hostPath": "/dev/zero"}],
            "mounts": [{"hostPath": "/proc/version", "containerPath": "/gpu/version", "options": ["ro", "bind"]}]}}]}
        """

    @Test(.timeLimit(.minutes(6))) func aDriverInACluster() async throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        try cluster.up()
        let image = "\(cluster.directory)/hello.tar"
        try cluster.pack(Self.repository + "/examples/hello/pack", to: image)
        try cluster.load(image: image)
        let specification = "/var/run/cdi/apus-e2e-\(getpid()).json"
        try FileManager.default.createDirectory(atPath: "/var/run/cdi", withIntermediateDirectories: true)
        try Self.specification.write(toFile: specification, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: specification) }
        let driver = ClaimDriver(root: "\(cluster.directory)/kubelet")
        driver.state.withLock { state in
            state.devices = { _ in
                [
                    [
                        "request_names": ["gpu"], "pool_name": "e2e", "device_name": "large",
                        "cdi_device_ids": ["gpu.example/gpu=large"],
                    ]
                ]
            }
        }
        try await driver.start()
        do { try use(driver, in: cluster) } catch {
            await driver.stop()
            throw error
        }
        await driver.stop()
    }

    private func use(_ driver: ClaimDriver, in cluster: Cluster) throws {
        try cluster.kubectl("apply", "-f", "-", input: Self.objects)
        try cluster.kubectl("apply", "-f", "-", input: Self.pod("web"))
        try cluster.kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
        let claim = try cluster.kubectl("get", "pod", "web", "-o", "jsonpath={.status.resourceClaimStatuses[0].resourceClaimName}")
        #expect(driver.asked("NodePrepareResources") == [[claim]])
        let allocated = try cluster.kubectl(
            "get", "resourceclaim", claim, "-o",
            "jsonpath={.status.allocation.devices.results[*].device} {.status.reservedFor[*].name}")
        #expect(allocated == "large web")
        let inside = #"echo $GPU; /bin/busybox head -c 2 /dev/gpu0 | /bin/busybox od -An -tx1; /bin/busybox head -c 5 /gpu/version"#
        #expect(try cluster.kubectl("exec", "web", "--", "sh", "-c", inside) == "large\n 00 00\nLinux")

        // There is one of that size.
        try cluster.kubectl("apply", "-f", "-", input: Self.pod("more"))
        try eventually {
            let why = try cluster.kubectl("get", "pod", "more", "-o", #"jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}"#)
            guard why.contains("cannot allocate all claims") else { throw Cluster.Failure(description: why) }
        }
        try says(claim, cluster)

        // Another host takes it over, and asks the driver for nothing again.
        try cluster.crash()
        try eventually { try cluster.kubectl("exec", "web", "--", "sh", "-c", "echo $GPU") }
        #expect(driver.asked("NodePrepareResources") == [[claim]] && driver.asked("NodeUnprepareResources") == [])

        // What drivers told of their devices goes with a kubelet, as upstream's does it; a driver tells it again.
        try eventually(within: 60) {
            let slices = try cluster.kubectl("get", "resourceslices", "--no-headers", "--ignore-not-found")
            guard slices.isEmpty else { throw Cluster.Failure(description: slices) }
        }
        try cluster.kubectl("apply", "-f", "-", input: Self.objects)

        try cluster.kubectl("delete", "pod", "web", "--timeout=60s")
        #expect(driver.asked("NodeUnprepareResources") == [[claim]])
        try cluster.kubectl("wait", "resourceclaim/\(claim)", "--for=delete", "--timeout=60s")
        try cluster.kubectl("wait", "pod/more", "--for=condition=Ready", "--timeout=60s")
        #expect(try cluster.kubectl("exec", "more", "--", "sh", "-c", "echo $GPU") == "large\n")
    }

    /// How a device is, is its driver's to say; who has it, the scheduler's.
    private func says(_ claim: String, _ cluster: Cluster) throws {
        let account = "--as=system:serviceaccount:default:gpu"
        let write = ["patch", "resourceclaim", claim, "--subresource=status", "--type=merge", account, "-p"]
        func patch(_ status: String) throws -> String {
            try cluster.run(["kubectl", "--kubeconfig", "\(cluster.directory)/admin.kubeconfig"] + write + [status])
        }
        func refusal(_ status: String) -> String {
            do { return "accepted: \(try patch(status))" } catch { return "\(error)" }
        }
        func allow(_ name: String, _ verb: String, _ resource: String) throws {
            try cluster.kubectl("create", "clusterrole", name, "--verb=\(verb)", "--resource=\(resource)")
            try cluster.kubectl("create", "clusterrolebinding", name, "--clusterrole=\(name)", "--serviceaccount=default:gpu")
        }
        try allow("gpu-status", "get,patch,update", "resourceclaims.resource.k8s.io,resourceclaims.resource.k8s.io/status")
        let told = #"{"status": {"devices": [{"driver": "gpu.example", "pool": "e2e", "device": "large", "data": {"serial": "4711"}}]}}"#
        #expect(refusal(told).contains("resourceclaims/driver"))
        #expect(refusal(#"{"status": {"reservedFor": null}}"#).contains("resourceclaims/binding"))
        try cluster.kubectl(
            "apply", "-f", "-",
            input: """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: gpu-driver}
                rules:
                  - {apiGroups: [resource.k8s.io], resources: [resourceclaims/driver], resourceNames: [gpu.example], verbs: ["arbitrary-node:patch"]}
                """)
        try cluster.kubectl("create", "clusterrolebinding", "gpu-driver", "--clusterrole=gpu-driver", "--serviceaccount=default:gpu")
        try eventually { _ = try patch(told) }
        #expect(
            try cluster.kubectl("get", "resourceclaim", claim, "-o", "jsonpath={.status.devices[0].data.serial}") == "4711")
    }
}
