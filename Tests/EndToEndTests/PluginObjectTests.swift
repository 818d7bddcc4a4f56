import Foundation
import TestSupport
import Testing

/// Plugins as an operator has them before her: objects that the real `kubectl` shows, explains, changes and refuses, in the cluster that
/// runs.
@Suite(.serialized)
struct PluginObjectTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// A cluster with manifests of its own, so that files may come and go.
    private func cluster() throws -> Cluster {
        let cluster = try Cluster()
        let manifests = "\(cluster.directory)-manifests"
        try? FileManager.default.removeItem(atPath: manifests)
        try FileManager.default.copyItem(atPath: "\(Self.repository)/plugin-manifests", toPath: manifests)
        cluster.options = ["--manifest-dir", manifests]
        return cluster
    }

    private func remove(_ cluster: Cluster) {
        cluster.remove()
        try? FileManager.default.removeItem(atPath: "\(cluster.directory)-manifests")
    }

    /// Waits until a column set of a plugin's row has all `words`.
    private func row(_ cluster: Cluster, _ plugin: String, has words: String...) throws {
        _ = try eventually {
            let row = try cluster.kubectl("get", "plugin", plugin, "-o", "wide", "--no-headers")
            for word in words where !row.contains(word) { throw Cluster.Failure(description: "no \"\(word)\" in: \(row)") }
        }
    }

    private func namespace(_ cluster: Cluster, _ name: String, has label: String) throws {
        _ = try eventually {
            let labels = try cluster.kubectl("get", "namespace", name, "--show-labels")
            guard labels.contains(label) else { throw Cluster.Failure(description: labels) }
        }
    }

    private func patch(_ cluster: Cluster, _ plugin: String, _ spec: String) throws {
        try cluster.kubectl("patch", "plugin", plugin, "--type", "merge", "-p", #"{"spec":\#(spec)}"#)
    }

    private func field(_ cluster: Cluster, _ plugin: String, _ path: String) throws -> String {
        try cluster.kubectl("get", "plugin", plugin, "-o", "jsonpath={\(path)}")
    }

    private func canPatchNamespaces(_ cluster: Cluster, as plugin: String) throws -> String {
        // Its exit status says no, too.
        try cluster.run(
            "sh", "-c",
            "kubectl --kubeconfig \(cluster.directory)/admin.kubeconfig auth can-i patch namespaces --as=system:plugin:\(plugin) 2>/dev/null || true"
        )
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A plugin in the process itself can end it, once: from then on it runs in one of its own, until somebody takes that back.
    @Test func aPluginThatEndsTheProcessComesBackInOneOfItsOwn() throws {
        let cluster = try cluster()
        defer { remove(cluster) }
        let libraries = "\(cluster.directory)-manifests/libraries"
        try FileManager.default.createDirectory(atPath: libraries, withIntermediateDirectories: true)
        let source = "\(Self.repository)/Tests/Fixtures/plugins/good.c"
        try cluster.run(
            "cc", "-std=c11", "-shared", "-fPIC", "-DCREATED(host)=__builtin_trap()", "-I\(Self.repository)/Sources/PluginAPI/include",
            source, "-o", "\(libraries)/libcrash.so")
        cluster.options += ["--plugin-dir", cluster.products, "--plugin-dir", libraries]
        try cluster.up()
        var process = try cluster.processID()
        let sha256 = try cluster.run("sha256sum", "\(libraries)/libcrash.so").prefix(64)
        let object = """
            {"apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": {"name": "crash"}, "spec": {"kind": "Controller", "library": "libcrash.so",
            "component": "fixture", "sha256": "\(sha256)", "controller": {"for": ["v1/namespaces"]},
            "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]}]}}
            """
        _ = try? cluster.kubectl("create", "-f", "-", input: object)
        try cluster.waitForAnother(than: process)
        try row(cluster, "crash", has: "Failed", "SIGILL")
        let crash = "slot create of plugin crash"
        #expect(try field(cluster, "crash", ".status.conditions[?(@.type==\"Isolated\")].message").contains(crash))
        #expect(
            try cluster.run("cat", "\(cluster.directory)/apus.log").contains(
                "process \(process), was ended by signal 4 (SIGILL) in \(crash)"))

        // Who changes it gets it back where it says, with what comes of it.
        process = try cluster.processID()
        _ = try? patch(cluster, "crash", #"{"config": {"another": "try"}}"#)
        try cluster.waitForAnother(than: process)
        try row(cluster, "crash", has: "Failed", "SIGILL")

        cluster.options += ["--disable-plugin", "crash"]
        try cluster.down()
        #expect(try cluster.up().contains("node e2e is Ready"))
        try row(cluster, "crash", has: "Skipped", "disabled by configuration")
    }

    private static func labeller(_ name: String, sha256: String, extra: String = "") -> String {
        """
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata: {name: \(name)}
        spec:
          kind: Controller
          library: libexample-controller.so
          component: namespace-label
          \(sha256.isEmpty ? "" : "sha256: \(sha256)")
          \(extra)
          config: {label: example.apus.dev/\(name)}
          controller: {for: [v1/namespaces], workers: 1}
          rules: [{apiGroups: [""], resources: [namespaces], verbs: [get, list, watch, patch]}]
        """
    }

    @Test func anOperatorSeesChangesAndRemovesPlugins() throws {
        let cluster = try cluster()
        defer { remove(cluster) }
        try cluster.up()

        // Seeing.
        let table = try eventually {
            let table = try cluster.kubectl("get", "plugins")
            guard table.contains("deployment") else { throw Cluster.Failure(description: table) }
            return table
        }
        let head = table.split(separator: "\n")[0].split(separator: " ").map(String.init)
        #expect(head == ["NAME", "KIND", "STATE", "ISOLATION", "CALLS", "ERRORS", "P99", "AGE"])
        for plugin in ["deployment", "proxy-nftables", "runtime-cri", "scheduler-default"] { try row(cluster, plugin, has: " Running ") }
        #expect(try cluster.kubectl("get", "plugins", "-o", "wide").split(separator: "\n")[0].contains("VERSION   LIBRARY"))
        try row(cluster, "example-controller", has: "Controller", "Skipped", "libexample-controller.so", "disabled by its manifest")
        let explained = try cluster.kubectl("explain", "plugin.spec")
        for word in ["plugins.apus.dev", "sha256", "isolation", "library", "-required-"] {
            #expect(explained.contains(word), "\(explained)")
        }
        // What only the host knows stays with the host.
        #expect(try field(cluster, "runtime-cri", ".spec.config").isEmpty)
        #expect(try field(cluster, "root-ca", ".spec.config").isEmpty)
        let sha256 = try field(cluster, "example-controller", ".spec.sha256")
        #expect(sha256 == (try cluster.run("sha256sum", "\(cluster.products)/libexample-controller.so").prefix(64)))
        // Calls are counted.
        _ = try eventually(within: 30) {
            guard let calls = Int(try field(cluster, "serviceaccount", ".status.calls")), calls > 0 else {
                throw Cluster.Failure(description: "no calls yet")
            }
        }

        // Turning on, with its rights, and off.
        #expect(try canPatchNamespaces(cluster, as: "example-controller") == "no")
        try patch(cluster, "example-controller", #"{"enabled":true}"#)
        try row(cluster, "example-controller", has: " Running ")
        #expect(try canPatchNamespaces(cluster, as: "example-controller") == "yes")
        try namespace(cluster, "default", has: "example.apus.dev/managed=true")
        let told = try eventually {
            let told = try cluster.kubectl("describe", "plugin", "example-controller")
            guard told.contains("Started"), told.contains("plugin-host") else { throw Cluster.Failure(description: told) }
            return told
        }
        #expect(told.contains("Observed Generation:") && told.contains("Type:") && told.contains("Ready"))

        // A new version that does not load leaves the old one running, and says so.
        try patch(cluster, "example-controller", #"{"sha256":"\#(String(repeating: "0", count: 64))"}"#)
        _ = try eventually {
            let told = try cluster.kubectl("describe", "plugin", "example-controller")
            guard told.contains("pins SHA-256"), told.contains("Warning") else { throw Cluster.Failure(description: told) }
        }
        try row(cluster, "example-controller", has: " Failed ", "pins SHA-256", "what ran before goes on")
        #expect(try field(cluster, "example-controller", ".status.conditions[0].status") == "True")
        #expect(try canPatchNamespaces(cluster, as: "example-controller") == "yes")
        try cluster.kubectl("create", "namespace", "later")
        try namespace(cluster, "later", has: "example.apus.dev/managed=true")
        try patch(cluster, "example-controller", #"{"sha256":"\#(sha256)","config":{"label":"example.apus.dev/other"}}"#)
        try namespace(cluster, "default", has: "example.apus.dev/other=true")
        try patch(cluster, "example-controller", #"{"enabled":false}"#)
        try row(cluster, "example-controller", has: "Skipped", "disabled by its manifest")
        #expect(try canPatchNamespaces(cluster, as: "example-controller") == "no")

        // Refusals name the field.
        // An old kubectl says it in words of its own.
        #expect(
            try cluster.refusal("apply", "-f", "-", input: Self.labeller("typo", sha256: sha256, extra: "libary: x.so")).contains(
                #/unknown field "(?:spec\.)?libary"/#))
        let bad = try cluster.refusal("apply", "-f", "-", input: Self.labeller("bad", sha256: sha256, extra: "isolation: Sometimes"))
        #expect(bad.contains(#"spec.isolation: Unsupported value: "Sometimes": supported values: "None", "Process""#))
        #expect(
            try cluster.refusal("apply", "-f", "-", input: Self.labeller("heavy", sha256: sha256, extra: "weight: 3")).contains(
                "spec.weight: Invalid value: 3: only a SchedulerPolicy"))
        #expect(try cluster.refusal("apply", "-f", "-", input: Self.labeller("free", sha256: "")).contains("spec.sha256: Required value"))
        #expect(
            try cluster.refusal("patch", "plugin", "deployment", "--type", "merge", "-p", #"{"spec":{"library":"../x.so"}}"#).contains(
                "spec.library: Invalid value"))

        // One more, that no file knows.
        try cluster.kubectl("apply", "-f", "-", input: Self.labeller("mine", sha256: sha256))
        try row(cluster, "mine", has: " Running ")
        try cluster.kubectl("delete", "plugin", "example-controller")
        #expect(try cluster.refusal("get", "plugin", "example-controller").contains("NotFound"))

        // After a restart: what was made through the API is there, what has a file is back, what lost it is gone, and what was changed so
        // that it fails stops nobody.
        try patch(cluster, "deployment", #"{"sha256":"\#(String(repeating: "1", count: 64))"}"#)
        try FileManager.default.removeItem(atPath: "\(cluster.directory)-manifests/example-policy.yaml")
        try cluster.crash()
        try row(cluster, "mine", has: " Running ")
        try row(cluster, "example-controller", has: "Skipped")
        #expect(try cluster.refusal("get", "plugin", "example-policy").contains("NotFound"))
        try row(cluster, "deployment", has: " Failed ", "pins SHA-256")
        try cluster.kubectl("delete", "plugin", "mine", "deployment")
        try cluster.crash()
        try row(cluster, "deployment", has: " Running ")
        #expect(try cluster.refusal("get", "plugin", "mine").contains("NotFound"))
    }
}
