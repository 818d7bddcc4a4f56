import APIModel
import Client
import HTTPTypes
import OrderedCollections
import Store
import Synchronization
import Testing

@testable import APIServer

/// What a request must agree with itself on, and what the parts of a write may not do behind each other's backs.
@Suite struct SeamTests {
    private let maps = "/api/v1/namespaces/default/configmaps"
    private let pods = "/api/v1/namespaces/default/pods"
    private static let noFinalizers = Array(#"{"metadata":{"finalizers":null}}"#.utf8)

    private func serviceAccount(_ server: TestServer) async throws {
        _ = await server.ask(
            .post, "/api/v1/namespaces/default/serviceaccounts",
            ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default"]])
    }

    @Test(arguments: [
        #"{"kind":"ConfigMap","apiVersion":"v1"}"#, #"{"kind":"Status","apiVersion":"v1"}"#,
        #"{"kind":"DeleteOptions","apiVersion":"nobody.example.com/v1"}"#, #"{"kind":"DeleteOptions","apiVersion":"a/b/c"}"#, "[]",
        #""all""#,
    ])
    func aDeleteWithAForeignBodyDeletesNothing(_ body: String) async throws {
        try await TestServer.with { server in
            for name in ["a", "b"] { await server.ask(.post, maps, TestServer.configMap(name)) }
            for path in [maps, "\(maps)/a"] {
                let answer = await server.ask(.delete, path, raw: Array(body.utf8))
                #expect(answer.code == 400, "\(answer.text)")
            }
            #expect(await server.ask(.get, maps).json["items"].elements.count == 2)
        }
    }

    @Test(arguments: [
        "{}", #"{"kind":"DeleteOptions","apiVersion":"v1"}"#, #"{"kind":"DeleteOptions","apiVersion":"apps/v1"}"#,
        #"{"kind":"DeleteOptions","apiVersion":"meta.k8s.io/v1"}"#,
    ])
    func aDeleteWithOptionsDeletes(_ body: String) async throws {
        try await TestServer.with { server in
            await server.ask(.post, maps, TestServer.configMap("a"))
            #expect(await server.ask(.delete, "\(maps)/a", raw: Array(body.utf8)).code == 200)
        }
    }

    @Test func updatingWhatIsNotThereNeedsTheRightToCreate() async throws {
        try await TestServer.with { server in
            let role: Value = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": ["name": "updater"],
                "rules": [["apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["update"]]],
            ]
            let binding: Value = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": "updater"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "updater"],
                "subjects": [["kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"]],
            ]
            let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
            #expect(await server.ask(.post, "\(rbac)/roles", role).code == 201)
            #expect(await server.ask(.post, "\(rbac)/rolebindings", binding).code == 201)
            let lease: Value = ["apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": ["name": "l"]]
            let path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
            let refused = await server.ask(.put, path, lease, token: "bob-token")
            #expect(refused.code == 403)
            #expect(refused.message.contains("cannot create resource \"leases\""))
            #expect(await server.ask(.put, path, lease).code == 201)
        }
    }

    @Test func aWatchKnowsWhatTheRolesSaySinceAndRBACFollowsTheStore() async throws {
        try await TestServer.with { server in
            #expect(await server.ask(.get, maps, token: "bob-token").code == 403)
            // Written behind the registry's back, as another process over the same database would.
            let binding: Value = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                "metadata": ["name": "bob", "resourceVersion": ""],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"],
                "subjects": [["kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"]],
            ]
            _ = try await server.store.put(
                RecordKey(collection: "rbac.authorization.k8s.io/clusterrolebindings", name: "bob"), Body(binding), expecting: .absent)
            #expect(await server.ask(.get, maps, token: "bob-token").code == 200)
        }
    }

    @Test func noFinalizerIsAddedToWhatIsBeingDeleted() async throws {
        try await TestServer.with { server in
            var map = TestServer.configMap("a")
            map["metadata"]["finalizers"] = ["example.com/one"]
            await server.ask(.post, maps, map)
            await server.ask(.delete, "\(maps)/a")
            let refused = await server.ask(
                .patch, "\(maps)/a", ["metadata": ["finalizers": ["example.com/one", "example.com/two"]]],
                type: "application/merge-patch+json")
            #expect(refused.code == 422)
            #expect(
                refused.message.hasSuffix(
                    #"metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/two"}"#
                ), "\(refused.message)")
            #expect(
                await server.ask(.patch, "\(maps)/a", raw: Self.noFinalizers, type: "application/merge-patch+json").code == 200
            )
            #expect(await server.ask(.get, "\(maps)/a").code == 404)
        }
    }

    @Test func theLastFinalizerMayGoWithTheStatusAndLabelsOfADeploymentMayNot() async throws {
        try await TestServer.with { server in
            var service = TestServer.service("s")
            service["metadata"]["finalizers"] = ["example.com/one"]
            let services = "/api/v1/namespaces/default/services"
            let address = await server.ask(.post, services, service).json["spec"]["clusterIP"]
            await server.ask(.delete, "\(services)/s")
            let merge = "application/merge-patch+json"
            #expect(await server.ask(.patch, "\(services)/s/status", raw: Self.noFinalizers, type: merge).code == 200)
            #expect(await server.ask(.get, "\(services)/s").code == 404)
            #expect(await server.ask(.post, services, TestServer.service("t", extra: ["clusterIP": address])).code == 201)

            let deployments = "/apis/apps/v1/namespaces/default/deployments"
            await server.ask(.post, deployments, TestServer.deployment("d"))
            let patched = await server.ask(
                .patch, "\(deployments)/d/status", ["metadata": ["labels": ["a": "b"], "annotations": ["c": "d"]]], type: merge)
            #expect(patched.json["metadata"]["labels"].isNull)
            #expect(patched.json["metadata"]["annotations"]["c"] == "d")
        }
    }

    @Test func bindingIsNoChangeOfThePodsSpecification() async throws {
        try await TestServer.with { server in
            try await serviceAccount(server)
            await server.ask(.post, pods, TestServer.pod("p"))
            let binding: Value = [
                "apiVersion": "v1", "kind": "Binding", "metadata": ["name": "p"], "target": ["kind": "Node", "name": "n"],
            ]
            #expect(await server.ask(.post, "\(pods)/p/binding", binding).code == 201)
            let bound = await server.ask(.get, "\(pods)/p").json
            #expect(bound["metadata"]["generation"] == 1)
            let debugger: Value = ["spec": ["ephemeralContainers": [["name": "d", "image": "busybox"]]]]
            let debugged = await server.ask(
                .patch, "\(pods)/p/ephemeralcontainers", debugger, type: "application/strategic-merge-patch+json")
            #expect(debugged.code == 200, "\(debugged.text)")
            #expect(debugged.json["metadata"]["generation"] == 2)
        }
    }

    @Test func ephemeralContainersComeThroughTheirSubresourceAlone() async throws {
        try await TestServer.with { server in
            try await serviceAccount(server)
            var pod = TestServer.pod("p")
            pod["spec"]["ephemeralContainers"] = [["name": "d", "image": "busybox"]]
            let refused = await server.ask(.post, pods, pod)
            #expect(refused.code == 422)
            #expect(refused.message.contains("spec.ephemeralContainers: Forbidden: cannot be set on create"), "\(refused.message)")
            await server.ask(.post, pods, TestServer.pod("q"))
            let patched = await server.ask(
                .patch, "\(pods)/q", ["spec": ["ephemeralContainers": [["name": "d", "image": "busybox"]]]],
                type: "application/strategic-merge-patch+json")
            #expect(patched.code == 422, "\(patched.text)")
        }
    }

    @Test func preconditionsHoldForEveryWrite() async throws {
        try await TestServer.with { server in
            let client = server.server.client(as: "admin", groups: ["system:masters"])
            let made = try await client.create(.configMaps, namespace: "default", TestServer.configMap("a"))
            var options = WriteOptions()
            options.preconditions.uid = "another"
            await #expect(throws: APIError.self) {
                try await client.patch(
                    .configMaps, namespace: "default", name: "a", subresource: nil, .merge, ["data": ["x": "y"]], options: options)
            }
            options.preconditions = .init(uid: made.uid, resourceVersion: made.value["metadata"]["resourceVersion"].string)
            _ = try await client.patch(
                .configMaps, namespace: "default", name: "a", subresource: nil, .merge, ["data": ["x": "y"]], options: options)
            await #expect(throws: APIError.self) {
                try await client.patch(
                    .configMaps, namespace: "default", name: "a", subresource: nil, .merge, ["data": ["x": "z"]], options: options)
            }
        }
    }
}

/// Addresses and ports of Services stand in the store, where another writer sees them.
@Suite struct ServiceAllocationTests {
    private let services = "/api/v1/namespaces/default/services"
    private let addresses = "/apis/networking.k8s.io/v1/ipaddresses"

    @Test func anAddressIsAnIPAddressForAsLongAsItsServiceLives() async throws {
        try await TestServer.with { server in
            let made = await server.ask(.post, services, TestServer.service("s", type: "NodePort")).json
            let address = made["spec"]["clusterIP"].string ?? ""
            let shown = await server.ask(.get, "\(addresses)/\(address)").json
            #expect(shown["spec"]["parentRef"] == ["resource": "services", "namespace": "default", "name": "s"])
            let port = made["spec"]["ports"][0]["nodePort"]
            let ports: Value = [["port": 80, "nodePort": port]]
            let refused = await server.ask(.post, services, TestServer.service("t", type: "NodePort", ports: ports))
            #expect(refused.message.hasSuffix("provided port is already allocated"), "\(refused.message)")
            await server.ask(.delete, "\(services)/s")
            #expect(await server.ask(.get, "\(addresses)/\(address)").code == 404)
            #expect(await server.ask(.post, services, TestServer.service("t", type: "NodePort", ports: ports)).code == 201)
        }
    }

    @Test func aRefusedOrDryWriteKeepsNothingAndTakesNothingAway() async throws {
        try await TestServer.with { server in
            await server.ask(.post, services, TestServer.service("s", type: "NodePort", ports: [["port": 80, "nodePort": 30080]]))
            let before = await server.ask(.get, addresses).json["items"].elements.count
            await server.ask(.post, "\(services)?dryRun=All", TestServer.service("t"))
            await server.ask(.post, services, TestServer.service("UPPER"))
            await server.ask(.post, services, TestServer.service("s"))
            let merge = "application/merge-patch+json"
            await server.ask(.patch, "\(services)/s?dryRun=All", ["spec": ["ports": [["port": 80, "nodePort": 30081]]]], type: merge)
            #expect(await server.ask(.get, addresses).json["items"].elements.count == before)
            let other = await server.ask(
                .post, services, TestServer.service("u", type: "NodePort", ports: [["port": 80, "nodePort": 30080]]))
            #expect(other.code == 422)
            #expect(
                await server.ask(.post, services, TestServer.service("u", type: "NodePort", ports: [["port": 80, "nodePort": 30081]])).code
                    == 201)
        }
    }

    @Test func manyWritersNeverShareAPortOrAnAddress() async throws {
        try await TestServer.with { server in
            let made = await withTaskGroup(of: Value.self, returning: [Value].self) { group in
                for index in 0..<40 {
                    group.addTask { await server.ask(.post, services, TestServer.service("s\(index)", type: "NodePort")).json }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(made.compactMap { $0["spec"]["clusterIP"].string }).count == 40)
            #expect(Set(made.compactMap { $0["spec"]["ports"][0]["nodePort"].int }).count == 40)
        }
    }

    @Test func whatACrashLeftIsMendedAtTheStart() async throws {
        try await TestServer.with { server in
            let made = await server.ask(.post, services, TestServer.service("s", type: "NodePort")).json
            let address = RecordKey(collection: "networking.k8s.io/ipaddresses", name: made["spec"]["clusterIP"].string ?? "")
            // As after a crash between a Service's end and that of its record, and with a database from before there were records.
            let record = try #require(server.store.get(address))
            var stray = record.object.value
            stray["metadata"]["name"] = "10.96.77.77"
            stray["metadata"]["annotations"]["internal.apus.dev/service-uid"] = "gone"
            _ = try await server.store.put(RecordKey(collection: address.collection, name: "10.96.77.77"), Body(stray), expecting: .absent)
            _ = try await server.store.delete(address, expecting: .any)
            try await server.server.registry.services.repair(except: Quarantine())
            #expect(server.store.get(address) != nil)
            #expect(server.store.get(RecordKey(collection: address.collection, name: "10.96.77.77")) == nil)
        }
    }
}

/// The admission chain itself, with members that note what they are asked.
@Suite struct AdmissionChainTests {
    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private struct Member: MutatingMember, ValidatingMember {
        var name: String
        var notes: Notes
        var refuses = false

        func concerns(collection: String) -> Bool { true }
        func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
            notes.add("\(name) admits \(request.operation.rawValue)")
            object[name] = true
        }
        func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
            if refuses { throw request.target.forbidden("\(name) says no") }
            notes.add("\(name) sees \(object.fields.keys.joined(separator: ","))")
            return { outcome in notes.add("\(name) learns \(outcome)") }
        }
    }

    private func run(_ server: TestServer, _ members: [Member], outcome: Outcome?) async throws {
        let served = server.server.registry.served
        let target = try served.target(.create, .configMaps, namespace: "default", name: "")
        let context = WriteContext(server.server.registry, served: served, user: .apiserver)
        let request = AdmissionRequest(operation: .create, target: target, context: context)
        let chain = AdmissionChain(members)
        var object = Value.emptyObject
        try await chain.admit(&object, request)
        try await chain.validate(object, request) {
            guard let outcome else { throw APIError.internalError("the disk is full") }
            return ((), outcome)
        }
    }

    @Test func everyMemberChangesThenEveryMemberSeesThenEachLearns() async throws {
        try await TestServer.with { server in
            let notes = Notes()
            try await run(server, [Member(name: "a", notes: notes), Member(name: "b", notes: notes)], outcome: .committed)
            #expect(
                notes.all == [
                    "a admits CREATE", "b admits CREATE", "a sees a,b", "b sees a,b", "a learns committed", "b learns committed",
                ])
        }
    }

    @Test func whoAgreedLearnsOfARefusalAndOfAFailure() async throws {
        try await TestServer.with { server in
            let refused = Notes()
            await #expect(throws: APIError.self) {
                try await run(
                    server, [Member(name: "a", notes: refused), Member(name: "b", notes: refused, refuses: true)], outcome: .committed)
            }
            #expect(refused.all.suffix(2) == ["a sees a,b", "a learns dropped"])
            let failed = Notes()
            await #expect(throws: APIError.self) { try await run(server, [Member(name: "a", notes: failed)], outcome: nil) }
            #expect(failed.all.last == "a learns dropped")
        }
    }
}
