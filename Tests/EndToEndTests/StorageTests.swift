import APIModel
import Foundation
import Synchronization
import TestStorage
import TestSupport
import Testing

/// A storage driver of our own in a real cluster: the test plays what stands beside a driver, the provisioner, the attacher and the resizer.
@Suite(.serialized)
struct StorageTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static let objects = """
        apiVersion: storage.k8s.io/v1
        kind: CSIDriver
        metadata: {name: disk.example}
        spec: {attachRequired: true, volumeLifecycleModes: [Persistent, Ephemeral], fsGroupPolicy: File}
        ---
        apiVersion: storage.k8s.io/v1
        kind: StorageClass
        metadata: {name: disks}
        provisioner: disk.example
        allowVolumeExpansion: true
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: files}
        spec: {storageClassName: disks, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: device}
        spec: {storageClassName: disks, volumeMode: Block, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec:
          terminationGracePeriodSeconds: 1
          securityContext: {fsGroup: 4711}
          containers:
            - name: web
              image: apus.local/hello:1
              command: [/bin/busybox, sleep, "1000"]
              volumeMounts: [{name: files, mountPath: /files}, {name: own, mountPath: /own}]
              volumeDevices: [{name: device, devicePath: /dev/disk}]
          volumes:
            - {name: files, persistentVolumeClaim: {claimName: files}}
            - {name: device, persistentVolumeClaim: {claimName: device}}
            - {name: own, csi: {driver: disk.example}}
        """

    @Test(.timeLimit(.minutes(6))) func aDriverInACluster() async throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        try cluster.up()
        let image = "\(cluster.directory)/hello.tar"
        try cluster.pack(Self.repository + "/examples/hello/pack", to: image)
        try cluster.load(image: image)
        let disk = "\(cluster.directory)/disk"
        try cluster.run("truncate", "-s", "1M", disk)
        let loop = try cluster.run("losetup", "--find", "--show", disk).trimmingCharacters(in: .whitespacesAndNewlines)
        defer { _ = try? cluster.run("losetup", "--detach", loop) }
        let driver = StorageDriver(root: "\(cluster.directory)/kubelet")
        driver.set(node: "e2e", capabilities: [1, 3], device: loop)
        try await driver.start()
        do { try await use(driver, in: cluster) } catch {
            await driver.stop()
            throw error
        }
        // A driver that goes is no longer the node's.
        await driver.stop()
        try eventually {
            let drivers = try cluster.kubectl("get", "csinode", "e2e", "-o", "jsonpath={.spec.drivers[*].name}")
            guard drivers.isEmpty else { throw Cluster.Failure(description: drivers) }
        }
    }

    private func use(_ driver: StorageDriver, in cluster: Cluster) async throws {
        try cluster.kubectl("apply", "-f", "-", input: Self.objects)
        for (claim, mode, size) in [("files", "Filesystem", "1Gi"), ("device", "Block", "1Mi")] {
            try provision(claim, mode, size, cluster)
        }
        for volume in ["files", "device"] { try attach(volume, cluster) }
        try cluster.kubectl("wait", "pod/web", "--for=condition=Ready", "--timeout=60s")
        try cluster.kubectl(
            "exec", "web", "--", "sh", "-c", "echo of files > /files/a && echo of own > /own/a && echo of device > /dev/disk")
        try reads(cluster)
        #expect(try cluster.kubectl("exec", "web", "--", "/bin/busybox", "stat", "-c", "%g", "/files/a") == "4711\n")

        // Another host takes all of it over, and does nothing of it again.
        let (mounted, changes) = (driver.mounted, driver.changes)
        #expect(mounted.count == 5, "\(mounted)")
        try cluster.crash()
        try eventually {
            let used = try cluster.kubectl("get", "node", "e2e", "-o", "jsonpath={.status.volumesInUse[*]}")
            guard used.split(separator: " ").count == 2 else { throw Cluster.Failure(description: used) }
        }
        // The API serves before the node does.
        try eventually { try reads(cluster) }
        #expect(driver.mounted == mounted && driver.changes.filter { $0.hasPrefix("NodeUn") } == [])
        #expect(driver.count("NodeStageVolume") <= 4 && changes.count == 5, "\(driver.changes)")
        #expect(try cluster.kubectl("get", "pod", "web", "-o", "jsonpath={.status.containerStatuses[0].restartCount}") == "0")

        try grow(cluster)
        try cluster.kubectl("delete", "pod", "web", "--timeout=60s")
        try eventually {
            let left = try cluster.kubectl("get", "volumeattachments", "--no-headers", "--ignore-not-found")
            guard left.isEmpty, driver.mounted.isEmpty else { throw Cluster.Failure(description: "\(left) \(driver.mounted)") }
        }
        // Nothing is left on the node, and what the driver keeps goes with the claims.
        try eventually {
            let places = ["pods", "plugins/kubernetes.io"].map { "\(cluster.directory)/kubelet/\($0)" }
            let left = try cluster.run(["find"] + places + ["-not", "-type", "d"])
            let mounts = try String(contentsOfFile: "/proc/mounts", encoding: .utf8).split(separator: "\n").filter {
                $0.contains("kubernetes.io") || $0.contains("disk.example")
            }
            guard left.isEmpty, mounts.isEmpty else { throw Cluster.Failure(description: "\(left) \(mounts)") }
        }
        try cluster.kubectl("delete", "pvc", "--all", "--timeout=30s")
        try cluster.kubectl("delete", "pv", "--all", "--timeout=30s")
    }

    private func reads(_ cluster: Cluster) throws {
        let read = "cat /files/a /own/a; /bin/busybox head -c 10 /dev/disk"
        #expect(try cluster.kubectl("exec", "web", "--", "sh", "-c", read) == "of files\nof own\nof device\n")
    }

    /// What an external provisioner does when the binder asks for a volume.
    private func provision(_ claim: String, _ mode: String, _ size: String, _ cluster: Cluster) throws {
        try eventually {
            let asked = try cluster.kubectl(
                "get", "pvc", claim, "-o", #"jsonpath={.metadata.annotations.volume\.kubernetes\.io/storage-provisioner}"#)
            guard asked == "disk.example" else { throw Cluster.Failure(description: "\(claim) is asked of \"\(asked)\"") }
        }
        let uid = try cluster.kubectl("get", "pvc", claim, "-o", "jsonpath={.metadata.uid}")
        try cluster.kubectl(
            "apply", "-f", "-",
            input: """
                apiVersion: v1
                kind: PersistentVolume
                metadata: {name: pv-\(claim), annotations: {pv.kubernetes.io/provisioned-by: disk.example}}
                spec:
                  storageClassName: disks
                  volumeMode: \(mode)
                  accessModes: [ReadWriteOnce]
                  capacity: {storage: \(size)}
                  persistentVolumeReclaimPolicy: Retain
                  claimRef: {namespace: default, name: \(claim), uid: \(uid)}
                  csi: {driver: disk.example, volumeHandle: handle-\(claim), fsType: tmpfs}
                """)
    }

    /// What an external attacher does when the controller asks for an attachment.
    private func attach(_ claim: String, _ cluster: Cluster) throws {
        let name = try eventually {
            let all = try cluster.kubectl(
                "get", "volumeattachments", "-o",
                #"jsonpath={range .items[*]}{.spec.source.persistentVolumeName}{"="}{.metadata.name}{"\n"}{end}"#)
            guard let line = all.split(separator: "\n").first(where: { $0.hasPrefix("pv-\(claim)=") }) else {
                throw Cluster.Failure(description: "pv-\(claim) is not asked for: \(all)")
            }
            return String(line.split(separator: "=")[1])
        }
        try cluster.kubectl(
            "patch", "volumeattachment", name, "--subresource=status", "--type=merge", "-p",
            #"{"status": {"attached": true, "attachmentMetadata": {"device": "/dev/x"}}}"#)
    }

    /// What an external resizer does, and the node in the end.
    private func grow(_ cluster: Cluster) throws {
        try cluster.kubectl("patch", "pvc", "files", "-p", #"{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}"#)
        try cluster.kubectl("patch", "pv", "pv-files", "-p", #"{"spec": {"capacity": {"storage": "2Gi"}}}"#)
        let pending =
            #"{"status": {"allocatedResources": {"storage": "2Gi"}, "allocatedResourceStatuses": {"storage": "NodeResizePending"}}}"#
        try cluster.kubectl("patch", "pvc", "files", "--subresource=status", "--type=merge", "-p", pending)
        try eventually(within: 120) {
            let size = try cluster.kubectl("get", "pvc", "files", "-o", "jsonpath={.status.capacity.storage}")
            guard size == "2Gi" else { throw Cluster.Failure(description: "files has \(size)") }
        }
    }
}
