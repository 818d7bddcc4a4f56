import APIModel
import Client
import Exposition
import Foundation
import HTTPTypes
import Logging
import Synchronization
import Testing

@testable import APIServer

/// What is written down of requests: by which rule, when, and how.
@Suite struct AuditTests {
    private static func policy(_ rules: String) throws -> AuditPolicy {
        try AuditPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: []\nrules:\n\(rules)")
    }

    /// Runs `body` with a server that writes to a file, and returns the events of the file once the server is done.
    private func events(
        _ rules: String, format: AuditConfiguration.Format = .json, _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws -> [String] {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UniqueID.make())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var configuration = AuditConfiguration(policy: try Self.policy(rules))
        configuration.log = AuditConfiguration.Log(path: "\(directory)/audit.log")
        configuration.log?.format = format
        let auditing = try Auditing(configuration)
        try await TestServer.with {
            $0.audit = auditing
        } _: { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await server.server.run() }
                defer { group.cancelAll() }
                try await body(server)
            }
        }
        // What was put before the end is in the file: `run` has returned.
        return try String(contentsOfFile: "\(directory)/audit.log", encoding: .utf8).split(separator: "\n").map { String($0) }
    }

    private static func values(_ lines: [String]) throws -> [Value] { try lines.map { try JSON.decode(Array($0.utf8)) } }

    // MARK: Policy

    private static let rules = """
        - {level: None, users: [system:kube-proxy], verbs: [watch], resources: [{group: "", resources: [endpoints, services]}]}
        - {level: None, userGroups: [system:authenticated], nonResourceURLs: ["/api*", "/version"]}
        - {level: Request, resources: [{group: "", resources: [configmaps]}], namespaces: [kube-system]}
        - {level: Metadata, resources: [{group: "", resources: [secrets, "pods/log", "*/status"]}]}
        - {level: RequestResponse, resources: [{group: apps}]}
        - {level: Request, resources: [{group: "", resources: [configmaps], resourceNames: [lock]}]}
        - {level: Metadata, resources: [{group: "*", resources: ["pods/*"]}], omitStages: [RequestReceived]}
        """

    private static func attributes(
        _ user: String, _ verb: String, _ resource: String, group: String = "", namespace: String = "", name: String = ""
    ) -> Attributes {
        let parts = resource.split(separator: "/").map { String($0) }
        return Attributes(
            user: UserInfo(name: user, groups: ["system:authenticated"]), verb: verb, group: group, resource: parts[0],
            subresource: parts.count > 1 ? parts[1] : "", namespace: namespace, name: name)
    }

    @Test(
        arguments: [
            (attributes("system:kube-proxy", "watch", "services"), .none), (attributes("alice", "watch", "services"), .none),
            (attributes("system:kube-proxy", "get", "secrets"), .metadata),
            (attributes("alice", "update", "configmaps", namespace: "kube-system"), .request),
            (attributes("alice", "update", "configmaps", namespace: "default"), .none),
            (attributes("alice", "update", "configmaps", namespace: "default", name: "lock"), .request),
            (attributes("alice", "get", "pods/log"), .metadata), (attributes("alice", "get", "pods"), .metadata),
            (attributes("alice", "create", "pods/exec"), .metadata), (attributes("alice", "patch", "nodes/status"), .metadata),
            (attributes("alice", "create", "deployments", group: "apps"), .requestResponse),
            (Attributes(user: UserInfo(name: "a", groups: ["system:authenticated"]), verb: "get", path: "/apis/apps"), .none),
        ] as [(Attributes, AuditPolicy.Level)])
    func theFirstRuleThatFitsDecides(_ attributes: Attributes, _ level: AuditPolicy.Level) throws {
        #expect(try Self.policy(Self.rules).decision(attributes).level == level)
    }

    @Test(
        arguments: [
            ("rules: []", "rules: a policy needs at least one"), ("rules: [{}]", "rules[0].level: required"),
            ("rules: [{level: All}]", "rules[0].level: unsupported value \"All\""),
            ("rules: [{level: None, resource: []}]", "unknown field \"rules[0].resource\""),
            ("rules: [{level: None, omitStages: [Later]}]", "rules[0].omitStages[0]: \"Later\": allowed stages are"),
            ("rules: [{level: None, nonResourceURLs: [api]}]", "rules[0].nonResourceURLs[0]: non-resource URL rules must begin"),
            ("rules: [{level: None, nonResourceURLs: [\"/a*b\"]}]", "rules[0].nonResourceURLs[0]: non-resource URL wildcards"),
            (
                "rules: [{level: None, nonResourceURLs: [/a], namespaces: [b]}]",
                "rules[0].nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs"
            ),
            ("rules: [{level: None, resources: [{resourceNames: [a]}]}]", "rules[0].resources[0].resourceNames: using resourceNames"),
            ("rules: [{level: None, resources: [{group: apps/v1}]}]", "rules[0].resources[0].group: \"apps/v1\": a lowercase RFC 1123"),
            ("rules: [{level: None, resources: [{group: Apps}]}]", "rules[0].resources[0].group: \"Apps\": a lowercase RFC 1123"),
        ]) func aPolicyThatIsWrongIsRefused(_ text: String, _ message: String)
    {
        let problem = #expect(throws: ConfigurationProblem.self) { try AuditPolicy("apiVersion: audit.k8s.io/v1\nkind: Policy\n\(text)") }
        #expect(problem?.description.hasPrefix(message) == true, "\(problem?.description ?? "")")
    }

    // MARK: Events

    @Test func metadataTellsWhoDidWhat() async throws {
        let lines = try await events("- {level: Metadata}") { server in
            let made = await server.ask(
                .post, "/api/v1/namespaces/default/configmaps?fieldManager=a%26b", TestServer.configMap("m"),
                headers: ["User-Agent": "tester", "X-Forwarded-For": "10.1.1.1, 10.2.2.2", "Audit-Id": "given"])
            #expect(made.code == 201)
            #expect(HTTPField.Name("Audit-Id").map { made.headers[$0] } == "given")
            await server.ask(
                .get, "/api/v1/namespaces/default/secrets/s", headers: ["Impersonate-User": "eve", "Impersonate-Group": "guests"])
        }
        let events = try Self.values(lines)
        #expect(events.map { $0["stage"].string } == ["RequestReceived", "ResponseComplete", "RequestReceived", "ResponseComplete"])
        let made = try #require(events.dropFirst().first)
        #expect(made["kind"] == "Event")
        #expect(made["apiVersion"] == "audit.k8s.io/v1")
        #expect(made["level"] == "Metadata")
        #expect(made["auditID"] == "given")
        #expect(made["verb"] == "create")
        #expect(made["requestURI"] == "/api/v1/namespaces/default/configmaps?fieldManager=a%26b")
        #expect(made["user"] == ["username": "admin", "uid": "1", "groups": ["system:masters", "system:authenticated"]])
        #expect(made["sourceIPs"] == ["10.1.1.1", "10.2.2.2", "127.0.0.1"])
        #expect(made["userAgent"] == "tester")
        #expect(made["objectRef"] == ["resource": "configmaps", "namespace": "default", "name": "m", "apiVersion": "v1"])
        #expect(made["responseStatus"] == ["metadata": .emptyObject, "code": 201])
        #expect(made["annotations"]["authorization.k8s.io/decision"] == "allow")
        #expect(made["requestObject"].isNull)
        let refused = try #require(events.last)
        #expect(refused["user"]["username"] == "admin")
        #expect(refused["impersonatedUser"]["username"] == "eve")
        #expect(refused["impersonatedUser"]["groups"] == ["guests", "system:authenticated"])
        #expect(refused["authenticationMetadata"] == ["impersonationConstraint": "impersonate:user-info"])
        #expect(refused["annotations"]["authorization.k8s.io/decision"] == "forbid")
        #expect(refused["responseStatus"]["reason"] == "Forbidden")
        #expect(refused["responseStatus"]["code"] == 403)
        #expect(refused["responseStatus"]["status"] == "Failure")
    }

    @Test func whoIsNotKnownIsWrittenDown() async throws {
        let lines = try await events("- {level: Metadata, omitStages: [RequestReceived]}") { server in
            await server.ask(.get, "/api/v1/pods", token: "wrong")
        }
        let events = try Self.values(lines)
        #expect(events.count == 1)
        #expect(events.first?["responseStatus"]["code"] == 401)
        #expect(events.first?["user"] == .emptyObject)
        #expect(events.first?["stage"] == "ResponseStarted", "as upstream tells of those whom nobody knows")
    }

    @Test(arguments: [AuditPolicy.Level.metadata, .request]) func whatWebhooksChangedIsWrittenDown(_ level: AuditPolicy.Level) async throws
    {
        let patch: Value = [["op": "add", "path": "/data/b", "value": "c"]]
        try await WebhookServer.with { request in
            request["object"]["data"]["b"].isNull ? WebhookServer.patch(patch) : ["allowed": true]
        } _: { hooks in
            let rules = "- {level: \(level.rawValue), resources: [{resources: [configmaps]}], omitStages: [RequestReceived]}"
            let lines = try await events(rules) { server in
                let configuration: Value = [
                    "metadata": ["name": "c"],
                    "webhooks": [
                        hooks.hook("a.example.com", ["reinvocationPolicy": "IfNeeded", "rules": hooks.hook()["rules"]]),
                        hooks.hook("b.example.com"),
                    ],
                ]
                let registration = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
                #expect(await server.ask(.post, registration, configuration).code == 201)
                #expect(await server.ask(.post, "/api/v1/namespaces/default/configmaps", TestServer.configMap("m")).code == 201)
            }
            let notes = try #require(try Self.values(lines).first)["annotations"]
            func note(_ place: String, _ webhook: String, _ hasChanged: Bool) throws {
                let text = try #require(notes["mutation.webhook.admission.k8s.io/\(place)"].string, "\(notes)")
                let told: Value = ["configuration": "c", "webhook": .string(webhook), "mutated": .bool(hasChanged)]
                #expect(try JSON.decode(Array(text.utf8)) == told)
            }
            try note("round_0_index_0", "a.example.com", true)
            try note("round_0_index_1", "b.example.com", false)
            let patched = notes["patch.webhook.admission.k8s.io/round_0_index_0"].string
            #expect((patched == nil) == (level == .metadata), "\(notes)")
            if let patched { #expect(try JSON.decode(Array(patched.utf8))["patch"] == patch) }
            #expect(notes["patch.webhook.admission.k8s.io/round_0_index_1"].isNull)
        }
    }

    @Test func bodiesAreWrittenDownWhereTheyAreWanted() async throws {
        let rules = """
            - {level: Request, resources: [{resources: [secrets]}], omitStages: [RequestReceived]}
            - {level: RequestResponse, resources: [{resources: [configmaps]}], omitStages: [RequestReceived], omitManagedFields: true}
            """
        let lines = try await events(rules) { server in
            let namespace = "/api/v1/namespaces/default"
            await server.ask(.post, "\(namespace)/secrets", ["metadata": ["name": "s"], "stringData": ["a": "b"]])
            await server.ask(.post, "\(namespace)/configmaps", TestServer.configMap("m"))
            await server.ask(.patch, "\(namespace)/configmaps/m", ["data": ["a": "c"]], type: "application/merge-patch+json")
            await server.ask(.get, "\(namespace)/configmaps", accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
            await server.ask(.delete, "\(namespace)/configmaps/m", ["gracePeriodSeconds": 0])
            await server.ask(.delete, "\(namespace)/configmaps/m?gracePeriodSeconds=0")
        }
        let events = try Self.values(lines)
        try #require(events.count == 6)
        #expect(events[0]["requestObject"]["stringData"] == ["a": "b"])
        #expect(events[0]["responseObject"].isNull)
        #expect(events[1]["responseObject"]["data"] == ["a": "b"])
        #expect(!events[1]["responseObject"]["metadata"]["uid"].isNull)
        #expect(events[1]["responseObject"]["metadata"]["managedFields"].isNull)
        #expect(events[2]["requestObject"] == ["data": ["a": "c"]])
        #expect(events[2]["responseObject"]["data"] == ["a": "c"])
        #expect(events[3]["responseObject"]["kind"] == "ConfigMapList")
        #expect(events[3]["responseObject"]["items"].elements.contains { $0["data"] == ["a": "c"] })
        #expect(events[4]["requestObject"]["gracePeriodSeconds"] == 0)
        #expect(events[4]["responseStatus"]["status"] == "Success")
        #expect(events[4]["responseStatus"]["code"] == 200)
        // What the query alone says was not sent; a failure is answered with a Status.
        #expect(events[5]["requestObject"].isNull)
        #expect(events[5]["responseObject"]["kind"] == "Status")
        #expect(events[5]["responseObject"]["reason"] == "NotFound")
    }

    /// By which the requests of its bearer are found.
    @Test func aTokenThatIsIssuedIsNamed() async throws {
        let lines = try await events("- {level: Metadata, verbs: [create], omitStages: [RequestReceived]}") { server in
            let accounts = "/api/v1/namespaces/default/serviceaccounts"
            await server.ask(.post, accounts, ["metadata": ["name": "robot"]])
            await server.ask(.post, "\(accounts)/robot/token", ["spec": .emptyObject])
        }
        let id = try #require(try Self.values(lines).last)["annotations"]["authentication.kubernetes.io/issued-credential-id"].string
        #expect(id?.hasPrefix("JTI=") == true && id?.count == 40)
    }

    @Test func aWatchIsWrittenDownWhenItBeginsAndWhenItEnds() async throws {
        let lines = try await events("- {level: Metadata}") { server in _ = await server.watch("/api/v1/configmaps") }
        #expect(try Self.values(lines).map { $0["stage"].string } == ["RequestReceived", "ResponseStarted", "ResponseComplete"])
    }

    @Test func theOlderFormatIsALineOfWords() async throws {
        let lines = try await events("- {level: Metadata, omitStages: [RequestReceived]}", format: .legacy) { server in
            await server.ask(.get, "/api/v1/namespaces/default/pods", token: "alice-token", headers: ["Audit-Id": "x"])
        }
        let line = try #require(lines.first)
        let rest = line.drop { $0 != " " }
        #expect(
            rest
                == " AUDIT: id=\"x\" stage=\"ResponseComplete\" ip=\"127.0.0.1\" method=\"list\" user=\"alice\" groups=\"\\\"devs\\\",\\\"system:authenticated\\\"\" as=\"<self>\" asgroups=\"<lookup>\" user-agent=\"\" namespace=\"default\" uri=\"/api/v1/namespaces/default/pods\" response=\"403\""
        )
    }

    // MARK: Files

    @Test func aFileIsPutAsideBeforeItIsTooLarge() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("rotated-\(UniqueID.make())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var log = AuditConfiguration.Log(path: "\(directory)/a.log")
        log.maxSize = 10
        log.maxBackups = 2
        log.maxAge = 1
        let now = Mutex<Int64>(1_767_323_045_678)
        let file = RotatedFile(log, now: { now.withLock { $0 } })
        func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: directory).sorted() }
        func line(_ text: String) -> [UInt8] { Array(text.utf8) }
        try file.write([line("12345\n"), line("123\n")])
        #expect(try names() == ["a.log"])
        try file.write([line("next\n")])
        #expect(try names() == ["a-2026-01-02T03-04-05.678.log", "a.log"])
        #expect(try String(contentsOfFile: "\(directory)/a-2026-01-02T03-04-05.678.log", encoding: .utf8) == "12345\n123\n")
        // One line of more than a file is written all the same.
        try file.write([line("a line of many words\n"), line("b\n"), line("c\n")])
        #expect(try names() == ["a-2026-01-02T03-04-05.679.log", "a-2026-01-02T03-04-05.680.log", "a.log"])
        #expect(try String(contentsOfFile: "\(directory)/a.log", encoding: .utf8) == "b\nc\n")
        now.withLock { $0 += 2 * 86_400_000 }
        try file.write([line("two days later\n")])
        #expect(try names() == ["a-2026-01-04T03-04-05.678.log", "a.log"])
    }

    // MARK: The queue

    private static func event(_ number: Int) -> AuditEvent {
        AuditEvent(
            subject: AuditEvent.Subject(
                id: "\(number)", level: .metadata, omitsManagedFields: false, info: RequestInfo(), uri: "/", user: UserInfo(name: "u"),
                sources: [], userAgent: "", received: .now),
            findings: AuditEvent.Findings(), stage: .responseComplete, at: .now)
    }

    @Test func whatHasNoRoomIsNotTaken() async {
        let queue = AuditQueue(limit: 3)
        #expect((0..<5).map { queue.put(Self.event($0)) } == [true, true, true, false, false])
        queue.close()
        #expect(await queue.take(upTo: 10)?.map(\.subject.id) == ["0", "1", "2"])
        #expect(await queue.take(upTo: 10) == nil)
    }

    @Test func eventsAreGatheredUntilThereAreEnough() async {
        let queue = AuditQueue(limit: 10)
        async let taken = queue.take(upTo: 3, patience: .seconds(600))
        for number in 0..<3 {
            _ = queue.put(Self.event(number))
            await Task.yield()
        }
        #expect(await taken?.count == 3)
    }

    // MARK: Delivery

    /// Keeps what it gets, or refuses to.
    private final class Sink: AuditSink {
        struct Full: Error {}

        private let isFull: Bool
        private let kept = Mutex<[[[UInt8]]]>([])
        var batches: [[[UInt8]]] { kept.withLock { $0 } }

        init(isFull: Bool = false) { self.isFull = isFull }

        func encode(_ event: AuditEvent) -> [UInt8] { event.json }

        func write(_ events: [[UInt8]]) async throws {
            guard !isFull else { throw Full() }
            kept.withLock { $0.append(events) }
        }
    }

    private static func delivery(_ mode: AuditConfiguration.Mode, maxSize: Int = 400) -> AuditConfiguration.Delivery {
        AuditConfiguration.Delivery(mode: mode, batching: AuditConfiguration.Batching(maxSize: maxSize, maxWait: .zero, throttle: nil))
    }

    @Test(arguments: [(AuditConfiguration.Mode.blocking, true), (.blockingStrict, false)])
    func aRequestIsRefusedWhereItsBeginningMustBeKept(_ mode: AuditConfiguration.Mode, _ isServed: Bool) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("audit-\(UniqueID.make())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // A device that is always full.
        try FileManager.default.createSymbolicLink(atPath: "\(directory)/audit.log", withDestinationPath: "/dev/full")
        var configuration = AuditConfiguration(policy: try Self.policy("- {level: Metadata}"))
        configuration.log = AuditConfiguration.Log(path: "\(directory)/audit.log")
        configuration.log?.delivery.mode = mode
        let auditing = try Auditing(configuration)
        try await TestServer.with {
            $0.audit = auditing
        } _: { server in
            let answer = await server.ask(.get, "/api/v1/namespaces")
            #expect(answer.code == (isServed ? 200 : 500))
            #expect(isServed || answer.message == "Internal error occurred: failed to store audit event")
            var text = MetricsText()
            auditing?.metrics.write(to: &text)
            #expect(text.text.contains("apiserver_audit_level_total{level=\"Metadata\"} 1\n"))
            #expect(text.text.contains("apiserver_audit_event_total 2\n"))
            #expect(text.text.contains("apiserver_audit_error_total{plugin=\"log\"} 2\n"))
            #expect(isServed != text.text.contains("apiserver_audit_requests_rejected_total 1\n"))
        }
    }

    @Test func whatIsTooLargeLosesItsObjectsOrIsLost() async throws {
        let sink = Sink()
        var delivery = Self.delivery(.batch)
        delivery.truncation = AuditConfiguration.Truncation(maxEventSize: 600, maxBatchSize: 1000)
        let metrics = AuditMetrics()
        let backend = AuditBackend(sink, delivery, metrics)
        func event(_ id: String, level: AuditPolicy.Level, uri: String = "/", body: Int) -> AuditEvent {
            var event = Self.event(0)
            (event.subject.id, event.subject.level, event.subject.uri) = (id, level, uri)
            if body > 0 { event.findings.request = { ["data": .string(String(repeating: "x", count: body))] } }
            return event
        }
        let long = "/" + String(repeating: "x", count: 600)
        for event in [
            event("whole", level: .request, body: 100), event("cut", level: .request, body: 1000),
            event("long", level: .request, uri: long, body: 10), event("longer", level: .metadata, uri: long, body: 0),
            event("last", level: .metadata, body: 0),
        ] { _ = await backend.put(event) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await backend.run() }
            group.cancelAll()
            try await group.waitForAll()
        }
        let batches = try sink.batches.map { try $0.map { try JSON.decode($0) } }
        #expect(batches.map { $0.map { $0["auditID"].string } } == [["whole", "cut"], ["last"]])
        #expect(batches.first?.last?["requestObject"].isNull == true)
        #expect(batches.first?.last?["annotations"] == ["audit.k8s.io/truncated": "true"])
        var text = MetricsText()
        metrics.write(to: &text)
        #expect(text.text.contains("apiserver_audit_error_total{plugin=\"truncate\"} 2\n"))
    }

    @Test func batchesKeepTheirPace() {
        var pace = AuditPace(AuditConfiguration.Throttle(perSecond: 2, burst: 2))
        let waits = [0, 0, 0, 500, 5000, 5000, 5000].map { pace.next(at: .milliseconds($0)) / .milliseconds(1) }
        #expect(waits == [0, 0, 500, 500, 0, 0, 500])
        var free = AuditPace(nil)
        #expect((0..<9).allSatisfy { _ in free.next(at: .zero) == .zero })
    }

    @Test func filesPutAsideAreCompressed() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("rotated-\(UniqueID.make())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var log = AuditConfiguration.Log(path: "\(directory)/deep/a.log")
        log.maxSize = 10
        log.isCompressed = true
        let now = Mutex<Int64>(1_767_323_045_678)
        let file = RotatedFile(log, now: { now.withLock { $0 } })
        try file.prepare()
        for text in ["12345678\n", "next\n"] { try file.write([Array(text.utf8)]) }
        try file.compress()
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/deep").sorted()
        #expect(names == ["a-2026-01-02T03-04-05.678.log.gz", "a.log"])
        let gunzip = Process()
        gunzip.executableURL = URL(fileURLWithPath: "/bin/gzip")
        gunzip.arguments = ["-dc", "\(directory)/deep/\(names[0])"]
        let pipe = Pipe()
        gunzip.standardOutput = pipe
        try gunzip.run()
        gunzip.waitUntilExit()
        #expect(String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self) == "12345678\n")
    }

    // MARK: The webhook

    @Test func aServerGetsListsOfEvents() async throws {
        try await WebhookServer.with { _ in
            .emptyObject
        } _: { hook in
            var server = ClientConfiguration(server: "https://127.0.0.1:\(hook.port)/events")
            server.certificateAuthority = try #require(Base64.decode(hook.caBundle))
            let metrics = AuditMetrics()
            let webhook = try AuditWebhook(AuditConfiguration.Webhook(server: server), metrics, Logger(label: "test"))
            let backend = AuditBackend(webhook, Self.delivery(.batch, maxSize: 2), metrics)
            for number in 0..<5 { _ = await backend.put(Self.event(number)) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await backend.run() }
                group.cancelAll()
                try await group.waitForAll()
            }
            #expect(hook.bodies.map { $0["kind"].string } == ["EventList", "EventList", "EventList"])
            #expect(hook.bodies.flatMap { $0["items"].elements.map { $0["auditID"].string } } == ["0", "1", "2", "3", "4"])
        }
    }
}
