import Foundation
import TestSupport
import Testing

/// Programs of other people that were never made with Apus in mind; `scripts/clients` brings them.
@Suite(.serialized)
struct ClientTests {
    private static let clients = NewcomerTests.repository + "/.build/clients"
    private static let fixtures = NewcomerTests.repository + "/Tests/Fixtures/clients"

    @Test func othersClientsWork() throws {
        try #require(FileManager.default.fileExists(atPath: "\(Self.clients)/installed"), "run `scripts/clients` first")
        let cluster = try Cluster()
        defer { cluster.remove() }
        try cluster.up()
        try cluster.client("\(Self.clients)/python/bin/python", "-B", "\(Self.fixtures)/library.py", Self.fixtures)
        try operate(cluster)
        try useOldKubectl(cluster)
    }

    /// An operator in kopf follows its kind through a whole life.
    private func operate(_ cluster: Cluster) throws {
        try cluster.kubectl("create", "namespace", "operated")
        try cluster.kubectl("apply", "-f", "\(Self.fixtures)/definition.yaml")
        try cluster.kubectl("wait", "--for=condition=Established", "crd/greetings.clients.example.com")
        let log = "\(cluster.directory)/kopf.log"
        let greeter = try cluster.start(
            "PYTHONDONTWRITEBYTECODE=1", "\(Self.clients)/python/bin/kopf", "run", "--standalone", "--namespace", "operated",
            "\(Self.fixtures)/greeter.py", saying: log)
        defer {
            // Not by a signal that can be blocked: what the tests' threads block, their children block, too.
            kill(greeter.processIdentifier, SIGKILL)
            greeter.waitUntilExit()
        }
        func text() throws -> String {
            try cluster.kubectl("-n", "operated", "get", "configmap", "one-text", "-o", "jsonpath={.data.text}")
        }
        func expect(_ wanted: String, _ found: () throws -> String) throws {
            try eventually {
                let found = try found()
                guard found == wanted else {
                    let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
                    throw Cluster.Failure(description: "\(found) instead of \(wanted); the operator said \(said)")
                }
            }
        }
        try cluster.kubectl(
            "-n", "operated", "apply", "-f", "-",
            input: "apiVersion: clients.example.com/v1\nkind: Greeting\nmetadata: {name: one}\nspec: {to: world}\n")
        try expect("hello world", text)
        try cluster.kubectl("-n", "operated", "patch", "greeting", "one", "--type=merge", "-p", #"{"spec":{"to":"all"}}"#)
        try expect("hello all", text)
        try expect("hello world world") {
            try cluster.kubectl("-n", "operated", "get", "greeting", "one", "-o", "jsonpath={.status.created.said} {.status.before}")
        }
        try expect("hello world") {
            try cluster.kubectl("-n", "operated", "get", "events", "--field-selector=reason=Greeted", "-o", "jsonpath={.items[*].message}")
        }
        // Its finalizer has the operator take leave, and what it made goes with its owner.
        try cluster.kubectl("-n", "operated", "delete", "greeting", "one", "--timeout=30s")
        try expect("one-farewell") {
            let names = try cluster.kubectl("-n", "operated", "get", "configmaps", "-o", "name").split(separator: "\n")
            return names.filter { $0.contains("one-") }.joined(separator: " ").replacing("configmap/", with: "")
        }
    }

    /// The kubectl that Debian has: it asks for resources one group at a time, and validates by OpenAPI v2 alone.
    private func useOldKubectl(_ cluster: Cluster) throws {
        func old(_ arguments: String..., input: String? = nil) throws -> String {
            let program = "\(Self.clients)/old/usr/bin/kubectl"
            return try cluster.run(
                [program, "--kubeconfig", "\(cluster.directory)/admin.kubeconfig", "--cache-dir", cluster.directory] + arguments,
                input: input)
        }
        #expect(try old("version", "--short").contains("Server Version: v1.36"))
        let kinds = try old("api-resources", "-o", "name")
        for kind in ["deployments.apps", "greetings.clients.example.com", "plugins.plugins.apus.dev"] { #expect(kinds.contains(kind)) }
        #expect(try old("explain", "deployment.spec.strategy").contains("rollingUpdate"))
        try cluster.kubectl("create", "namespace", "old")
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept}\ndata: {a: b}\n"
        #expect(try old("-n", "old", "apply", "-f", "-", input: map).contains("created"))
        #expect(try old("-n", "old", "apply", "-f", "-", input: map).contains("unchanged"))
        #expect(try old("-n", "old", "apply", "-f", "-", input: map.replacing("a: b", with: "a: c")).contains("configured"))
        #expect(throws: Cluster.Failure.self) { try old("-n", "old", "apply", "-f", "-", input: map.replacing("data:", with: "dta:")) }
        #expect(try old("-n", "old", "create", "deployment", "d", "--image=none", "--replicas=0").contains("created"))
        #expect(try old("-n", "old", "rollout", "status", "deployment/d", "--timeout=30s").contains("successfully rolled out"))
        #expect(try old("-n", "old", "get", "deployments").contains("UP-TO-DATE"))
        #expect(try old("-n", "old", "describe", "deployment", "d").contains("StrategyType:"))
        #expect(try old("-n", "old", "label", "configmap", "kept", "seen=yes").contains("labeled"))
        #expect(try old("-n", "old", "get", "configmaps", "-l", "seen=yes", "-o", "jsonpath={.items[0].data.a}") == "c")
        #expect(try old("-n", "old", "delete", "deployment/d", "configmap/kept").contains("deleted"))
    }
}
