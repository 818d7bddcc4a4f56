import Foundation
import TestSupport
import Testing

/// What pods may do to their node, on real containers: root in a container that tries to get out, hooks and probes that do not end.
@Suite(.serialized)
struct PodTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    @Test func nobodyGetsOutAndNobodyHoldsUpTheRest() throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        try cluster.up()
        let image = "\(cluster.directory)/hello.tar"
        try cluster.pack(Self.repository + "/examples/hello/pack", to: image)
        try cluster.load(image: image)
        try cluster.kubectl("apply", "-f", "-", input: Self.waiting)
        try getsOut(cluster)
        try holdsUp(cluster)
        try staysReady(cluster)

        // Also with all of these under way.
        try cluster.kubectl("delete", "pod", "hooked", "--wait=false", "--grace-period=600")
        let began = Date.now
        try cluster.down()
        #expect(Date.now.timeIntervalSince(began) < 300)
        #expect(try !String(contentsOfFile: "/proc/mounts", encoding: .utf8).contains(cluster.directory))
    }

    // MARK: Links, FIFOs, devices

    private static let hostile = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings}
        data: {key: value}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: keys}
        stringData: {key: value}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: hostile, labels: {app: hostile}}
        spec:
          terminationGracePeriodSeconds: 1
          initContainers:
            - name: plant
              image: apus.local/hello:1
              command: [/bin/busybox, sh, -c]
              args:
                - |
                  PATH=/tmp/bin; /bin/busybox mkdir -p /tmp/bin; /bin/busybox --install -s /tmp/bin
                  for volume in /config /secret /all /info; do
                    touch $volume/new && echo "$volume takes a file"
                    mv $volume/..data $volume/..moved && echo "$volume gives its data away"
                    ln -s ../../../../../../../../ $volume/..data_tmp && echo "$volume takes a link"
                    mkfifo $volume/fifo && echo "$volume takes a FIFO"
                    rm -rf $volume/* && echo "$volume is emptied"
                    mount -o remount,rw $volume && echo "$volume is made writable"
                  done
                  cd /data
                  mkfifo one two three
                  ln -s / root; ln -s ../../../../../../../../etc up; ln -s /proc/self/root self; ln -s loop loop
                  mknod zero c 1 5
                  mkdir -p real/inner
                  i=0; while [ $i -lt 300 ]; do mkdir deep; cd deep; ln -s / root; mkfifo fifo; i=$((i+1)); done
                  true
              volumeMounts: &mounts
                - {name: data, mountPath: /data}
                - {name: config, mountPath: /config}
                - {name: secret, mountPath: /secret}
                - {name: all, mountPath: /all}
                - {name: info, mountPath: /info}
          containers:
            - {name: root, image: apus.local/hello:1, command: [/bin/busybox, sleep, "1000"], volumeMounts: [{name: data, mountPath: /out, subPath: root/etc}]}
            - {name: up, image: apus.local/hello:1, command: [/bin/busybox, sleep, "1000"], volumeMounts: [{name: data, mountPath: /out, subPath: up/new}]}
            - {name: self, image: apus.local/hello:1, command: [/bin/busybox, sleep, "1000"], volumeMounts: [{name: data, mountPath: /out, subPath: self}]}
            - {name: fifo, image: apus.local/hello:1, command: [/bin/busybox, sleep, "1000"], volumeMounts: [{name: data, mountPath: /out, subPath: one}]}
            - name: words
              image: apus.local/hello:1
              command: [/bin/busybox, "false"]
              terminationMessagePath: /words
              volumeMounts: [{name: data, mountPath: /words, subPath: two}]
            - name: inner
              image: apus.local/hello:1
              command: [/bin/busybox, sleep, "1000"]
              volumeMounts: [{name: config, mountPath: /config}, {name: data, mountPath: /config/inner/deep}, {name: data, mountPath: /real, subPath: real/inner}]
          volumes:
            - {name: data, emptyDir: {}}
            - {name: config, configMap: {name: settings}}
            - {name: secret, secret: {secretName: keys}}
            - {name: all, projected: {sources: [{serviceAccountToken: {path: token}}]}}
            - {name: info, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}]}}
        """

    private func getsOut(_ cluster: Cluster) throws {
        let victim = "/etc/apus-e2e-victim-\(getpid())"
        try "untouched".write(toFile: victim, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: victim) }
        try cluster.kubectl("apply", "-f", "-", input: Self.hostile)
        // Three are refused, and say nothing of the machine; the others run, or did.
        _ = try eventually(within: 40) {
            for container in ["root", "up", "self"] {
                let waiting = try status(cluster, "hostile", container, ".state.waiting['reason','message']")
                let expected = "CreateContainerConfigError failed to prepare subPath for volumeMount \"data\" of container \"\(container)\""
                guard waiting == expected else { throw Cluster.Failure(description: "\(container): \(waiting)") }
            }
            for container in ["fifo", "inner"] where try status(cluster, "hostile", container, ".state.running.startedAt").isEmpty {
                throw Cluster.Failure(description: "\(container) does not run")
            }
            // Its last words would have been read from a FIFO.
            guard try !status(cluster, "hostile", "words", ".lastState.terminated.exitCode").isEmpty else {
                throw Cluster.Failure(description: "words has not ended")
            }
        }
        let said = try cluster.kubectl("logs", "hostile", "-c", "plant")
        for volume in ["/config", "/secret", "/all", "/info"] {
            #expect(!said.contains(volume + " takes") && !said.contains(volume + " i"))
        }
        #expect(try cluster.kubectl("exec", "hostile", "-c", "inner", "--", "cat", "/config/key") == "value")
        let uid = try cluster.kubectl("get", "pod", "hostile", "-o", "jsonpath={.metadata.uid}")
        let directory = "\(cluster.directory)/kubelet/pods/\(uid)"
        #expect(FileManager.default.fileExists(atPath: directory))

        try cluster.kubectl("delete", "pod", "hostile", "--timeout=30s")
        _ = try eventually {
            guard !FileManager.default.fileExists(atPath: directory) else {
                throw Cluster.Failure(description: "\(directory) is still there")
            }
        }
        #expect(try String(contentsOfFile: victim, encoding: .utf8) == "untouched")
        #expect(!FileManager.default.fileExists(atPath: "/etc/new"))
    }

    private func status(_ cluster: Cluster, _ pod: String, _ container: String, _ path: String) throws -> String {
        try cluster.kubectl("get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[?(@.name=='\(container)')]\(path)}")
    }

    // MARK: Hooks and probes

    private static let waiting = """
        apiVersion: v1
        kind: Pod
        metadata: {name: hooked}
        spec:
          terminationGracePeriodSeconds: 60
          containers:
            - name: web
              image: apus.local/hello:1
              lifecycle: {preStop: {exec: {command: [/bin/busybox, sleep, "99999"]}}}
              readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: forced}
        spec:
          containers:
            - name: web
              image: apus.local/hello:1
              lifecycle: {preStop: {httpGet: {path: /, port: 9}}, postStart: {exec: {command: [/bin/busybox, sleep, "99999"]}}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: probed}
        spec:
          terminationGracePeriodSeconds: 1
          containers:
            - name: web
              image: apus.local/hello:1
              livenessProbe:
                exec: {command: [sh, -c, "echo x >> /tmp/probes; /bin/busybox sleep 1000 & exit 0"]}
                periodSeconds: 2
                timeoutSeconds: 1
                failureThreshold: 100
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: missing}
        spec:
          terminationGracePeriodSeconds: 1
          containers: [{name: web, image: apus.local/hello:1, command: [/no/such]}]
        """

    private func holdsUp(_ cluster: Cluster) throws {
        try cluster.kubectl("wait", "pod/hooked", "--for=condition=Ready", "--timeout=30s")
        // A container whose postStart runs can be looked into.
        _ = try eventually { try cluster.kubectl("exec", "forced", "--", "hostname") }
        // The grace given at first is cut while the hook runs.
        try cluster.kubectl("delete", "pod", "hooked", "--wait=false")
        Thread.sleep(forTimeInterval: 1)
        try cluster.kubectl("delete", "pod", "hooked", "--grace-period=2", "--timeout=30s")

        // Force ends what runs, not only its name.
        let container = try cluster.run("sh", "-c", "ps -eo args | grep -c '[s]leep 99999' || true")
        #expect(container.trimmingCharacters(in: .whitespacesAndNewlines) != "0")
        try cluster.kubectl("delete", "pod", "forced", "--force", "--grace-period=0")
        _ = try eventually {
            let left = try cluster.run("sh", "-c", "ps -eo args | grep '[s]leep 99999' || true")
            guard left.isEmpty else { throw Cluster.Failure(description: left) }
        }
        _ = try eventually {
            let probes = try cluster.kubectl("exec", "probed", "--", "cat", "/tmp/probes")
            guard probes.count >= 8 else { throw Cluster.Failure(description: "\(probes.count / 2) probes") }
        }
        // Each failed start took a number of its own.
        _ = try eventually {
            let reason = try status(cluster, "missing", "web", ".state.waiting.reason")
            guard reason == "CrashLoopBackOff" else { throw Cluster.Failure(description: reason) }
        }
        #expect(try !cluster.kubectl("get", "events").contains("is reserved"))
    }

    /// A crash of the host makes no pod unready that was ready.
    private func staysReady(_ cluster: Cluster) throws {
        try cluster.kubectl("apply", "-f", "-", input: Self.waiting)
        try cluster.kubectl("wait", "pod/hooked", "--for=condition=Ready", "--timeout=30s")
        let since = #"jsonpath={.status.conditions[?(@.type=="Ready")]['status','lastTransitionTime']}"#
        let before = try cluster.kubectl("get", "pod", "hooked", "-o", since)
        Thread.sleep(forTimeInterval: 1.1)
        try cluster.crash()
        Thread.sleep(forTimeInterval: 3)
        #expect(try cluster.kubectl("get", "pod", "hooked", "-o", since) == before)
    }
}
