import APIModel
import HTTPTypes
import Store
import Synchronization
import Testing

@testable import APIServer

@Suite struct ListAndWatchTests {
    private let maps = "/api/v1/namespaces/default/configmaps"
    /// What pods need before they are admitted.
    private static let account: Value = ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default"]]

    private func fill(_ server: TestServer, _ count: Int) async {
        for index in 0..<count {
            await server.ask(.post, maps, TestServer.configMap("m\(index)", labels: ["parity": index % 2 == 0 ? "even" : "odd"]))
        }
    }

    @Test func listsInPagesOfOneRevision() async throws {
        try await TestServer.with { server in
            await fill(server, 7)
            let first = await server.ask(.get, "\(maps)?limit=3").json
            #expect(first["kind"] == "ConfigMapList")
            #expect(first["items"].elements.count == 3)
            #expect(first["metadata"]["remainingItemCount"] == 4)
            await server.ask(.delete, "\(maps)/m5")
            let token = first["metadata"]["continue"].string ?? ""
            let second = await server.ask(.get, "\(maps)?limit=10&continue=\(token)").json
            #expect(second["items"].elements.map { $0["metadata"]["name"] } == ["m3", "m4", "m5", "m6"])
            #expect(second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"])
            #expect(second["metadata"]["continue"].isNull)
        }
    }

    @Test func aPageOfAStateThatIsGoneSaysHowToGoOn() async throws {
        let minutes = Atomic(0)
        try await TestServer.with { _ in
        } options: {
            $0.now = { .seconds(60 * minutes.load(ordering: .relaxed)) }
        } _: { server in
            await fill(server, 4)
            let first = await server.ask(.get, "\(maps)?limit=2").json
            let (version, token) = (
                first[path: "metadata", "resourceVersion"].string ?? "", first[path: "metadata", "continue"].string ?? ""
            )
            let exact = "\(maps)?resourceVersion=\(version)&resourceVersionMatch=Exact"
            for _ in 0..<2 {
                #expect(await server.ask(.get, "\(maps)?limit=2&continue=\(token)").code == 200)
                #expect(await server.ask(.get, exact).code == 200)
                await server.ask(.delete, "\(maps)/m2")
                minutes.add(5, ordering: .relaxed)
            }
            let refusal = await server.ask(.get, "\(maps)?limit=2&continue=\(token)")
            #expect(refusal.code == 410)
            #expect(refusal.reason == "Expired")
            #expect(refusal.message.hasPrefix("The provided continue parameter is too old to display a consistent list result."))
            #expect(await server.ask(.get, exact).message == "too old resource version: \(version)")

            let further = refusal.json[path: "metadata", "continue"].string ?? ""
            let rest = await server.ask(.get, "\(maps)?limit=2&continue=\(further)").json
            #expect(rest["items"].elements.map { $0[path: "metadata", "name"] } == ["m3"])
            #expect(rest[path: "metadata", "resourceVersion"].string != version)
        }
    }

    @Test func selects() async throws {
        try await TestServer.with { server in
            await fill(server, 4)
            let rows: [(String, [Value])] = [
                ("labelSelector=parity%3Deven", ["m0", "m2"]), ("labelSelector=parity%20notin%20(even)", ["m1", "m3"]),
                ("fieldSelector=metadata.name%3Dm1", ["m1"]),
                ("fieldSelector=metadata.name%3Dnope", []), ("labelSelector=parity%3Dodd&limit=1", ["m1"]),
            ]
            for (query, names) in rows {
                let list = await server.ask(.get, "\(maps)?\(query)").json
                #expect(list["items"].elements.map { $0["metadata"]["name"] } == names, "\(query)")
            }
            #expect(await server.ask(.get, "\(maps)?fieldSelector=nope%3D1").code == 400)
            #expect(await server.ask(.get, "\(maps)?labelSelector=a%20b").code == 400)
        }
    }

    @Test func emptyListsHaveItems() async throws {
        try await TestServer.with { server in
            let list = await server.ask(.get, "/apis/batch/v1/jobs")
            #expect(list.text.contains("\"items\":[]"))
            #expect(list.json["metadata"]["resourceVersion"].string?.isEmpty == false)
        }
    }

    @Test func showsTablesAndMetadata() async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces/default/services", TestServer.service("web"))
            let table = await server.ask(
                .get, "/api/v1/namespaces/default/services", accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
            ).json
            #expect(table["kind"] == "Table")
            #expect(table["columnDefinitions"].elements.first?["name"] == "Name")
            #expect(table["rows"].elements.count == 2)
            let watched = await server.ask(
                .get, "/api/v1/namespaces/default/services?watch=true&resourceVersion=0&timeoutSeconds=1",
                accept: "application/json;as=Table;v=v1;g=meta.k8s.io"
            ).text.split(separator: "\n")
            #expect(watched.count == 2)
            #expect(watched.first?.contains("\"columnDefinitions\":[{") == true)
            #expect(watched.last?.contains("\"columnDefinitions\":null") == true)
            let partial = await server.ask(
                .get, "/api/v1/namespaces/default/services/web", accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
            ).json
            #expect(partial["kind"] == "PartialObjectMetadata")
            #expect(partial["spec"].isNull)
            let protobuf = await server.ask(.get, "/api/v1/namespaces/default/services/web", accept: "application/vnd.kubernetes.protobuf")
            #expect(protobuf.body.starts(with: Protobuf.magic))
            let yaml = await server.ask(.get, "/api/v1/namespaces/default/services/web", accept: "application/yaml")
            #expect(yaml.text.contains("kind: Service"))
            #expect(await server.ask(.get, "/api/v1/services", accept: "text/html").code == 406)
        }
    }

    @Test func takesYAMLAndProtobuf() async throws {
        try await TestServer.with { server in
            let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: fromyaml\ndata:\n  a: b\n"
            let created = await server.ask(.post, maps, raw: Array(yaml.utf8), type: "application/yaml")
            #expect(created.json["data"]["a"] == "b", "\(created.text)")
            let protobuf = try Protobuf.encodeUnknown(TestServer.configMap("p"))
            #expect(await server.ask(.post, maps, raw: protobuf, type: "application/vnd.kubernetes.protobuf").json["data"]["a"] == "b")
            #expect(await server.ask(.post, maps, raw: [1], type: "text/plain").code == 415)
            #expect(await server.ask(.post, maps, raw: Array("{".utf8)).code == 400)
        }
    }

    @Test func watchesFromARevision() async throws {
        try await TestServer.with { server in
            await fill(server, 1)
            let revision = await server.ask(.get, maps).json["metadata"]["resourceVersion"].string ?? ""
            await server.ask(.patch, "\(maps)/m0", ["data": ["a": "c"]], type: "application/merge-patch+json")
            await server.ask(.delete, "\(maps)/m0")
            let events = await server.watch("\(maps)?resourceVersion=\(revision)")
            #expect(events.map { $0["type"] } == ["MODIFIED", "DELETED"])
            #expect(events[1]["object"]["metadata"]["resourceVersion"].string == String(server.store.revision))
        }
    }

    @Test func selectorsTurnChangesIntoAdditionsAndDeletions() async throws {
        try await TestServer.with { server in
            await fill(server, 1)
            let revision = await server.ask(.get, maps).json["metadata"]["resourceVersion"].string ?? ""
            for parity in ["odd", "odd", "even"] {
                await server.ask(
                    .patch, "\(maps)/m0", ["metadata": ["labels": ["parity": .string(parity)]], "data": ["x": .string(UniqueID.make())]],
                    type: "application/merge-patch+json")
            }
            let events = await server.watch("\(maps)?labelSelector=parity%3Dodd&resourceVersion=\(revision)")
            #expect(events.map { $0["type"] } == ["ADDED", "MODIFIED", "DELETED"])
            #expect(events.map { $0["object"]["metadata"]["labels"]["parity"] } == ["odd", "odd", "odd"])
            // What left the selection is shown as it was last in it, with the version of the change that took it out.
            #expect(events[2]["object"]["data"] == events[1]["object"]["data"])
            #expect(events[2]["object"]["metadata"]["resourceVersion"].string == String(server.store.revision))
            #expect(events[1]["object"]["metadata"]["resourceVersion"] != events[2]["object"]["metadata"]["resourceVersion"])
        }
    }

    /// The objects inside the events, for each way out of a selection, in every form that a client can ask for.
    @Test func eventsShowTheStateThatTheirSelectorMatched() async throws {
        try await TestServer.with { server in
            let pods = "/api/v1/namespaces/default/pods"
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", Self.account)
            for name in ["stays", "moves", "goes"] {
                var pod = TestServer.pod(name)
                pod["spec"]["nodeName"] = "n1"
                pod["metadata"]["labels"] = ["app": "web"]
                #expect(await server.ask(.post, pods, pod).code == 201)
            }
            let revision = await server.ask(.get, pods).json["metadata"]["resourceVersion"].string ?? ""
            await server.ask(.patch, "\(pods)/moves", ["metadata": ["labels": ["app": "db"]]], type: "application/merge-patch+json")
            let moved = server.store.revision
            await server.ask(.patch, "\(pods)/stays", ["metadata": ["annotations": ["a": "b"]]], type: "application/merge-patch+json")
            await server.ask(.delete, "\(pods)/goes?gracePeriodSeconds=0")
            let gone = server.store.revision
            let query = "labelSelector=app%3Dweb&fieldSelector=spec.nodeName%3Dn1&resourceVersion=\(revision)"
            let events = await server.watch("\(pods)?\(query)")
            #expect(events.map { $0["type"] } == ["DELETED", "MODIFIED", "DELETED"])
            let metadata = events.map { $0["object"]["metadata"] }
            #expect(metadata.map { $0["name"] } == ["moves", "stays", "goes"])
            #expect(metadata.map { $0["labels"]["app"] } == ["web", "web", "web"])
            #expect(metadata[0]["resourceVersion"].string == String(moved) && metadata[2]["resourceVersion"].string == String(gone))
            #expect(metadata[1]["annotations"]["a"] == "b")
            // A watch of everything sees the change as what it is.
            let all = await server.watch("\(pods)?resourceVersion=\(revision)")
            #expect(all.first?["type"] == "MODIFIED" && all.first?["object"]["metadata"]["labels"]["app"] == "db")
            let partial = await server.ask(
                .get, "\(pods)?\(query)&watch=true&timeoutSeconds=1",
                accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")
            let first = try JSON.decode(Array(partial.text.split(separator: "\n")[0].utf8))
            #expect(first["object"]["kind"] == "PartialObjectMetadata" && first["object"]["metadata"] == metadata[0])
        }
    }

    /// Selections through an index find what a look at each object finds.
    @Test func selectionsByIndexFindWhatAScanFinds() async throws {
        try await TestServer.with { server in
            let pods = "/api/v1/namespaces/default/pods"
            await server.ask(.post, "/api/v1/namespaces/default/serviceaccounts", Self.account)
            for index in 0..<40 {
                var pod = TestServer.pod("p\(index)")
                pod["metadata"]["labels"] = ["app": .string(["web", "db", "cache"][index % 3]), "zone": index % 2 == 0 ? "a" : "b"]
                if index % 4 != 0 { pod["spec"]["nodeName"] = .string("n\(index % 4)") }
                #expect(await server.ask(.post, pods, pod).code == 201)
            }
            // Each is asked as it is, and again with terms that no index has.
            let rows = [
                ("labelSelector=app%3Dweb", "labelSelector=app%20in%20(web,none)"),
                ("labelSelector=app%3Dweb,zone%3Da", "labelSelector=app%20in%20(web,none),zone%20notin%20(b)"),
                ("fieldSelector=spec.nodeName%3Dn2", "fieldSelector=spec.nodeName!%3Dn1,spec.nodeName!%3Dn3,spec.nodeName!%3D"),
                ("fieldSelector=spec.nodeName%3D", "fieldSelector=spec.nodeName!%3Dn1,spec.nodeName!%3Dn2,spec.nodeName!%3Dn3"),
                (
                    "fieldSelector=spec.nodeName%3Dn1&labelSelector=app%3Ddb",
                    "fieldSelector=spec.nodeName%3Dn1&labelSelector=app%20notin%20(web,cache)"
                ),
                ("fieldSelector=metadata.name%3Dp7", "labelSelector=app%3Ddb&fieldSelector=metadata.name%3Dp7"),
            ]
            for (indexed, scanned) in rows {
                for path in [pods, "/api/v1/pods"] {
                    let found = await server.ask(.get, "\(path)?\(indexed)").json["items"].elements
                    let expected = await server.ask(.get, "\(path)?\(scanned)").json["items"].elements
                    #expect(!found.isEmpty && found == expected, "\(path)?\(indexed)")
                    var pages: [Value] = []
                    var token = ""
                    repeat {
                        let page = await server.ask(.get, "\(path)?\(indexed)&limit=3&continue=\(token)").json
                        pages += page["items"].elements
                        token = page["metadata"]["continue"].string ?? ""
                    } while !token.isEmpty
                    #expect(pages == expected, "\(path)?\(indexed) in pages")
                }
            }
        }
    }

    /// What is kept with the records and put together is what encoding the whole at once gives.
    @Test func listsAreWhatTheirItemsAre() async throws {
        try await TestServer.with { server in
            await fill(server, 3)
            let list = await server.ask(.get, maps).json
            for _ in 0..<2 {
                let protobuf = await server.ask(.get, maps, accept: "application/vnd.kubernetes.protobuf")
                let encoded = try Protobuf.encodeUnknown(list)
                #expect(protobuf.body == encoded)
                let partial = await server.ask(.get, maps, accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io").json
                #expect(partial["kind"] == "PartialObjectMetadataList")
                #expect(partial["items"].elements.map { $0["metadata"] } == list["items"].elements.map { $0["metadata"] })
                #expect(partial["items"].elements.allSatisfy { $0["kind"] == "PartialObjectMetadata" && $0["data"].isNull })
            }
            let none = await server.ask(.get, "/apis/batch/v1/jobs", accept: "application/vnd.kubernetes.protobuf")
            let jobs = try Protobuf.decodeUnknown(none.body)
            #expect(jobs["kind"] == "JobList")
            let one = await server.ask(.get, "\(maps)/m1", accept: "application/vnd.kubernetes.protobuf")
            let plain = await server.ask(.get, "\(maps)/m1").json
            let encoded = try Protobuf.encodeUnknown(plain)
            #expect(one.body == encoded)
        }
    }

    @Test func streamsTheInitialState() async throws {
        try await TestServer.with { server in
            await fill(server, 2)
            let events = await server.watch("\(maps)?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
            #expect(events.prefix(3).map { $0["type"] } == ["ADDED", "ADDED", "BOOKMARK"])
            #expect(events[2]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true")
            let legacy = await server.watch("\(maps)?resourceVersion=0")
            #expect(legacy.map { $0["type"] } == ["ADDED", "ADDED"])
        }
    }

    @Test func bookmarksTellWhereAQuietWatchStands() async throws {
        try await TestServer.with { server in
            let events = await server.watch("/apis/batch/v1/jobs?resourceVersion=1&allowWatchBookmarks=true")
            #expect(events.last?["type"] == "BOOKMARK")
            #expect(events.last?["object"]["metadata"]["resourceVersion"].string == String(server.store.revision))
        }
    }

    @Test func refusesVersionsOfTheFuture() async throws {
        try await TestServer.with { server in
            let answer = await server.ask(.get, "\(maps)?resourceVersion=100000")
            #expect(answer.code == 504)
            #expect(answer.message.hasPrefix("Timeout: Too large resource version: 100000, current: "))
            #expect(await server.ask(.get, "\(maps)?resourceVersion=x").code == 400)
        }
    }

    @Test func deletesWhatIsSelected() async throws {
        try await TestServer.with { server in
            await fill(server, 4)
            let deleted = await server.ask(.delete, "\(maps)?labelSelector=parity%3Dodd").json
            #expect(deleted["items"].elements.count == 2)
            #expect(await server.ask(.get, maps).json["items"].elements.count == 2)
        }
    }

    @Test func convertsBetweenVersions() async throws {
        try await TestServer.with { server in
            let event: Value = [
                "apiVersion": "v1", "kind": "Event", "metadata": ["name": "e", "namespace": "default"],
                "involvedObject": ["kind": "Pod", "name": "p", "namespace": "default"], "reason": "Test", "message": "hello",
                "type": "Normal", "count": 3,
            ]
            #expect(await server.ask(.post, "/api/v1/namespaces/default/events", event).code == 201)
            let other = await server.ask(.get, "/apis/events.k8s.io/v1/namespaces/default/events/e").json
            #expect(other["apiVersion"] == "events.k8s.io/v1")
            #expect(other["note"] == "hello")
            #expect(other["regarding"]["name"] == "p")
            let scaler: Value = [
                "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": ["name": "h"],
                "spec": [
                    "maxReplicas": 3, "targetCPUUtilizationPercentage": 50,
                    "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "d"],
                ],
            ]
            #expect(await server.ask(.post, "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", scaler).code == 201)
            let newer = await server.ask(.get, "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h").json
            #expect(newer["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 50)
            let older = await server.ask(.get, "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h").json
            #expect(older["spec"]["targetCPUUtilizationPercentage"] == 50)
            #expect(older["spec"]["metrics"].isNull)
        }
    }
}
