import APIModel
import Client
import HTTPTypes
import OrderedCollections
import Testing

@testable import APIServer

/// Apply by the server, and who owns what after every kind of write.
@Suite struct ApplyTests {
    private static let deployments = "/apis/apps/v1/namespaces/default/deployments"
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let pods = "/api/v1/namespaces/default/pods"

    private func apply(
        _ server: TestServer, _ path: String, by manager: String, _ object: Value, force: Bool = false, query: String = "",
        token: String = "admin-token"
    ) async -> TestServer.Answer {
        await server.ask(
            .patch, "\(path)?fieldManager=\(manager)\(force ? "&force=true" : "")\(query)", object, type: "application/apply-patch+yaml",
            token: token)
    }

    private func owned(_ object: Value, _ manager: String, _ operation: String = "Apply", subresource: String? = nil) -> String {
        let entry = object[path: "metadata", "managedFields"].elements.first {
            $0["manager"].string == manager && $0["operation"].string == operation && $0["subresource"].string == subresource
        }
        return entry.map { String(decoding: JSON.encode($0["fieldsV1"]), as: UTF8.self) } ?? ""
    }

    private func map(_ name: String, _ data: Value) -> Value {
        ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": .string(name)], "data": data]
    }

    @Test func everyWriteTellsItsManager() async throws {
        try await TestServer.with { server in
            let path = Self.deployments
            let agent = ["user-agent": "kubectl/v1.36.2 (linux/amd64) kubernetes/0"]
            let created = await server.ask(.post, path, TestServer.deployment("web"), headers: agent)
            #expect(created.code == 201)
            let entry = created.json[path: "metadata", "managedFields"][0]
            #expect(entry["manager"] == "kubectl")
            #expect(entry["apiVersion"] == "apps/v1")
            #expect(entry["fieldsType"] == "FieldsV1")
            #expect(!entry["time"].isNull)
            // As upstream has it for the same request, but for the defaults that are structures of their own.
            let fields = owned(created.json, "kubectl", "Update")
            #expect(
                fields.hasPrefix(
                    #"{"f:spec":{"f:progressDeadlineSeconds":{},"f:replicas":{},"f:revisionHistoryLimit":{},"f:selector":{},"f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{}"#
                ), "\(fields)")

            let patched = await server.ask(
                .patch, path + "/web?fieldManager=patcher", ["spec": ["replicas": 3]], type: "application/strategic-merge-patch+json")
            #expect(owned(patched.json, "patcher", "Update") == #"{"f:spec":{"f:replicas":{}}}"#)
            #expect(!owned(patched.json, "kubectl", "Update").contains("f:replicas"))

            let status = await server.ask(
                .patch, path + "/web/status?fieldManager=loop", ["spec": ["replicas": 9], "status": ["replicas": 3]],
                type: "application/merge-patch+json")
            #expect(status.json[path: "spec", "replicas"].int == 3)
            #expect(owned(status.json, "loop", "Update", subresource: "status") == #"{"f:status":{"f:replicas":{}}}"#)

            let scaled = await server.ask(
                .patch, path + "/web/scale?fieldManager=scaler", ["spec": ["replicas": 5]], type: "application/merge-patch+json")
            #expect(scaled.code == 200)
            let now = await server.ask(.get, path + "/web").json
            #expect(owned(now, "scaler", "Update", subresource: "scale") == #"{"f:spec":{"f:replicas":{}}}"#)
            #expect(owned(now, "patcher", "Update") == "")
        }
    }

    @Test func writesThatChangeNothingAreNone() async throws {
        try await TestServer.with { server in
            let first = await apply(server, Self.maps + "/m", by: "a", map("m", ["k": "v"]))
            #expect(first.code == 201)
            let again = await apply(server, Self.maps + "/m", by: "a", map("m", ["k": "v"]))
            #expect(again.code == 200)
            #expect(again.json == first.json)
            let put = await server.ask(.put, Self.maps + "/m?fieldManager=b", first.json)
            #expect(put.json == first.json)
            let other = await apply(server, Self.maps + "/m", by: "c", map("m", ["k": "v"]))
            #expect(other.json[path: "metadata", "resourceVersion"] != first.json[path: "metadata", "resourceVersion"])
            #expect(owned(other.json, "c") == #"{"f:data":{"f:k":{}}}"#)
        }
    }

    @Test func conflictsAndForce() async throws {
        try await TestServer.with { server in
            let path = Self.deployments + "/web"
            #expect(await apply(server, path, by: "a", TestServer.deployment("web", replicas: 1)).code == 201)
            await server.ask(
                .patch, path + "?fieldManager=scaler", ["spec": ["replicas": 4]], type: "application/merge-patch+json")
            let refused = await apply(server, path, by: "a", TestServer.deployment("web", replicas: 2))
            #expect(refused.code == 409)
            #expect(refused.reason == "Conflict")
            #expect(refused.message == "Apply failed with 1 conflict: conflict with \"scaler\" using apps/v1: .spec.replicas")
            #expect(
                refused.json["details"]["causes"] == [
                    ["reason": "FieldManagerConflict", "message": "conflict with \"scaler\" using apps/v1", "field": ".spec.replicas"]
                ])
            let tried = await apply(server, path, by: "a", TestServer.deployment("web", replicas: 2), force: true, query: "&dryRun=All")
            #expect(tried.json[path: "spec", "replicas"].int == 2)
            #expect(await server.ask(.get, path).json[path: "spec", "replicas"].int == 4)
            let forced = await apply(server, path, by: "a", TestServer.deployment("web", replicas: 2), force: true)
            #expect(forced.json[path: "spec", "replicas"].int == 2)
            #expect(owned(forced.json, "scaler", "Update") == "")
            // A field that is not applied any more gets its default again.
            var without = TestServer.deployment("web")
            without["spec"]["replicas"] = .null
            #expect(await apply(server, path, by: "a", without).json[path: "spec", "replicas"].int == 1)
        }
    }

    @Test func requestsAreChecked() async throws {
        try await TestServer.with { server in
            let path = Self.maps + "/m"
            let object = map("m", ["k": "v"])
            let nameless = await server.ask(.patch, path, object, type: "application/apply-patch+yaml")
            #expect(nameless.code == 422)
            #expect(
                nameless.message == "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch")
            let forced = await server.ask(.patch, path + "?force=true", object, type: "application/merge-patch+json")
            #expect(
                forced.message == "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch")
            let long = await server.ask(.post, Self.maps + "?fieldManager=" + String(repeating: "x", count: 129), object)
            #expect(long.message == "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes")
            let hidden = await server.ask(.post, Self.maps + "?fieldManager=a%07", object)
            #expect(hidden.code == 422)
            #expect(hidden.message.hasSuffix("invalid character U+0007 (at position 1)"))
            let cbor = await server.ask(.patch, path + "?fieldManager=a", object, type: "application/apply-patch+cbor")
            #expect(cbor.code == 415)
            let broken = await server.ask(
                .patch, path + "?fieldManager=a", raw: Array("a: [".utf8), type: "application/apply-patch+yaml")
            #expect(broken.code == 400)
            #expect(broken.message.hasPrefix("error decoding YAML: "))

            var wrong = object
            wrong["kind"] = "Secret"
            #expect(await apply(server, path, by: "a", wrong).message == "invalid object type: /v1, Kind=Secret")
            var owner = object
            owner["metadata"]["managedFields"] = [["manager": "x"]]
            #expect(await apply(server, path, by: "a", owner).message == "metadata.managedFields must be nil")
            var unknown = object
            unknown["nope"] = 1
            let undeclared = await apply(server, path, by: "a", unknown)
            #expect(undeclared.code == 500)
            #expect(
                undeclared.message
                    == "failed to create typed patch object (/m; /v1, Kind=ConfigMap): .nope: field not declared in schema")
            var uid = object
            uid["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000"
            #expect(await apply(server, path, by: "a", uid).code == 409)
            #expect(await apply(server, path, by: "a", map("other", [:])).code == 400)
            #expect(await server.ask(.get, path).code == 404)

            #expect(await apply(server, Self.maps + "/there", by: "a", map("there", ["k": "v"])).code == 201)
            var other = map("there", ["k": "w"])
            other["metadata"]["uid"] = uid["metadata"]["uid"]
            let replaced = await apply(server, Self.maps + "/there", by: "a", other)
            #expect(replaced.code == 422)
            #expect(replaced.message.contains("metadata.uid: Invalid value"))
            other["metadata"] = .emptyObject
            #expect(
                await apply(server, path, by: "a", other).message
                    == "the name of the object (m based on URL) was undeterminable: name must be provided")

            let twice = Array("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\ndata:\n  k: a\n  k: b\n".utf8)
            let strict = await server.ask(
                .patch, path + "?fieldManager=a&fieldValidation=Strict", raw: twice, type: "application/apply-patch+yaml")
            #expect(strict.code == 400)
            #expect(strict.message.contains("line 7: key \"k\" already set in map"), "\(strict.message)")
            let warned = await server.ask(.patch, path + "?fieldManager=a", raw: twice, type: "application/apply-patch+yaml")
            #expect(warned.code == 201)
            #expect(warned.json[path: "data", "k"] == "b")
        }
    }

    @Test func creatingByApplyNeedsTheRightTo() async throws {
        try await TestServer.with { server in
            let role: Value = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": ["name": "patcher"],
                "rules": [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"]]],
            ]
            let binding: Value = [
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": ["name": "patcher"],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "patcher"],
                "subjects": [["kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"]],
            ]
            let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
            #expect(await server.ask(.post, rbac + "/roles", role).code == 201)
            #expect(await server.ask(.post, rbac + "/rolebindings", binding).code == 201)
            let refused = await apply(server, Self.maps + "/m", by: "a", map("m", ["k": "v"]), token: "alice-token")
            #expect(refused.code == 403)
            #expect(await apply(server, Self.maps + "/m", by: "b", map("m", ["k": "v"])).code == 201)
            #expect(await apply(server, Self.maps + "/m", by: "a", map("m", ["l": "w"]), token: "alice-token").code == 200)
            // There is no sub-resource of what is not there.
            let status: Value = ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"], "status": ["phase": "Running"]]
            #expect(await apply(server, Self.pods + "/p/status", by: "a", status).code == 404)
        }
    }

    @Test func subresourcesHaveOwnersOfTheirOwn() async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", ["metadata": ["name": "default"]])
            var pod = TestServer.pod("p")
            #expect(await apply(server, Self.pods + "/p", by: "a", pod).code == 201)
            let now = await server.ask(.get, Self.pods + "/p").json
            #expect(
                owned(now, "a")
                    == #"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{}}}}}"#)
            pod["status"] = ["conditions": [["type": "Mine", "status": "True"]]]
            let main = await apply(server, Self.pods + "/p", by: "b", pod)
            #expect(!main.json["status"]["conditions"].elements.contains { $0["type"] == "Mine" })
            #expect(!owned(main.json, "b").contains("f:status"))
            let status = await apply(server, Self.pods + "/p/status", by: "b", pod)
            #expect(status.json["status"]["conditions"].elements.contains { $0["type"] == "Mine" })
            #expect(
                owned(status.json, "b", subresource: "status")
                    == #"{"f:status":{"f:conditions":{"k:{\"type\":\"Mine\"}":{".":{},"f:status":{},"f:type":{}}}}}"#)

            let scale: Value = [
                "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "web", "namespace": "default"],
                "spec": ["replicas": 7],
            ]
            #expect(await apply(server, Self.deployments + "/web", by: "a", TestServer.deployment("web", replicas: 2)).code == 201)
            let refused = await apply(server, Self.deployments + "/web/scale", by: "b", scale)
            #expect(refused.message == "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas")
            #expect(await apply(server, Self.deployments + "/web/scale", by: "b", scale, force: true).code == 200)
            let web = await server.ask(.get, Self.deployments + "/web").json
            #expect(web[path: "spec", "replicas"].int == 7)
            #expect(owned(web, "b", subresource: "scale") == #"{"f:spec":{"f:replicas":{}}}"#)
            #expect(!owned(web, "a").contains("f:replicas"))
        }
    }

    @Test func managedFieldsAreWrittenByClientsAlso() async throws {
        try await TestServer.with { server in
            let path = Self.maps + "/m"
            #expect(await apply(server, path, by: "a", map("m", ["k": "v"])).code == 201)
            let live = await server.ask(.get, path).json
            // Whoever leaves them out does not take them away; nor does who brings nonsense.
            for given: Value in [.null, [["manager": "x", "operation": "Sit"]]] {
                var object = live
                object["metadata"]["managedFields"] = given
                #expect(await server.ask(.put, path, object).json == live)
            }
            var renamed = live
            renamed["metadata"]["managedFields"][0]["manager"] = "z"
            let taken = await server.ask(.put, path, renamed)
            #expect(owned(taken.json, "z") == #"{"f:data":{"f:k":{}}}"#)
            #expect(owned(taken.json, "a") == "")
            renamed["metadata"]["managedFields"][0]["manager"] = .string(String(repeating: "x", count: 200))
            renamed["metadata"]["resourceVersion"] = .null
            let refused = await server.ask(.put, path, renamed)
            #expect(refused.code == 422)
            #expect(refused.message.contains("metadata.managedFields[0].manager: Too long: may not be more than 128 bytes"))
            for forget: Value in [[], [.emptyObject]] {
                #expect(await apply(server, path, by: "b", map("m", ["k": "v"])).json[path: "metadata", "managedFields"].elements.count > 0)
                let forgotten = await server.ask(
                    .patch, path, .object(["metadata": .object(["managedFields": forget])]), type: "application/merge-patch+json")
                #expect(forgotten.json[path: "metadata", "managedFields"].isNull)
                // From then on nobody owns anything until somebody applies.
                let changed = await server.ask(.patch, path, ["data": ["n": "1"]], type: "application/merge-patch+json")
                #expect(changed.json[path: "metadata", "managedFields"].isNull)
                let applied = await apply(server, path, by: "b", map("m", ["k": "v"]))
                #expect(owned(applied.json, "before-first-apply", "Update") == #"{"f:data":{".":{},"f:k":{},"f:n":{}}}"#)
            }
        }
    }

    @Test func versionsOfOneKindShareOwnership() async throws {
        try await TestServer.with { server in
            let v2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h"
            let v1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h"
            func scaler(_ version: String, _ most: Int64) -> Value {
                [
                    "apiVersion": .string("autoscaling/\(version)"), "kind": "HorizontalPodAutoscaler", "metadata": ["name": "h"],
                    "spec": ["maxReplicas": .int(most), "scaleTargetRef": ["kind": "Deployment", "name": "d", "apiVersion": "apps/v1"]],
                ]
            }
            #expect(await apply(server, v1, by: "a", scaler("v1", 3)).code == 201)
            let refused = await apply(server, v2, by: "b", scaler("v2", 4))
            #expect(refused.message == "Apply failed with 1 conflict: conflict with \"a\": .spec.maxReplicas")
            // The same manager in another version is the same manager.
            let moved = await apply(server, v2, by: "a", scaler("v2", 4))
            #expect(moved.code == 200)
            #expect(moved.json[path: "metadata", "managedFields"].elements.map { $0["apiVersion"] } == ["autoscaling/v2"])
        }
    }

    @Test func loopsAreKnownByTheirNames() async throws {
        try await TestServer.with { server in
            for (user, manager) in [
                ("system:plugin:deployment", "deployment"), ("system:kube-scheduler", "kube-scheduler"), ("system:node:n1", "kubelet"),
            ] {
                let client = server.server.client(as: user, groups: ["system:masters"])
                let name = String(user.split(separator: ":").joined(separator: "-"))
                let object = try await client.create(.configMaps, namespace: "default", map(name, ["k": "v"]))
                #expect(owned(object.value, manager, "Update") == #"{"f:data":{".":{},"f:k":{}}}"#)
                let applied = try await client.patch(
                    .configMaps, namespace: "default", name: name, .apply, map(name, ["l": "w"]))
                #expect(owned(applied.value, manager) == #"{"f:data":{"f:l":{}}}"#)
            }
        }
    }
}
