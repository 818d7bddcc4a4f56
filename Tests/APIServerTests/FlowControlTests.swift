import APIModel
import HTTPServer
import HTTPTypes
import Store
import Synchronization
import Testing

@testable import APIServer

/// Which flow a request belongs to, and how much of the server one user has.
@Suite struct FlowControlTests {
    private static let path = "/apis/flowcontrol.apiserver.k8s.io/v1"
    private static let names = [
        HTTPField.Name("X-Kubernetes-PF-FlowSchema-UID")!, HTTPField.Name("X-Kubernetes-PF-PriorityLevel-UID")!,
    ]

    /// The names of the schema and the level that the response tells of.
    private func flow(_ answer: TestServer.Answer, _ server: TestServer) async -> [String] {
        var found: [String] = []
        for (header, resource) in zip(Self.names, ["flowschemas", "prioritylevelconfigurations"]) {
            let objects = await server.ask(.get, "\(Self.path)/\(resource)").json["items"].elements
            let uid = answer.headers[header] ?? "none"
            found.append(objects.first { $0["metadata"]["uid"].string == uid }?["metadata"]["name"].string ?? uid)
        }
        return found
    }

    @Test func everyClusterStartsWithUpstreamsFlows() async throws {
        try await TestServer.with { server in
            let schemas = await server.ask(.get, "\(Self.path)/flowschemas").json["items"].elements
            #expect(
                schemas.map { $0["metadata"]["name"].string ?? "" } == [
                    "catch-all", "exempt", "global-default", "kube-controller-manager", "kube-scheduler", "kube-system-service-accounts",
                    "probes", "service-accounts", "system-leader-election", "system-node-high", "system-nodes",
                ])
            let levels = await server.ask(.get, "\(Self.path)/prioritylevelconfigurations").json["items"].elements
            #expect(
                levels.map { $0["metadata"]["name"].string ?? "" } == [
                    "catch-all", "exempt", "global-default", "leader-election", "node-high", "system", "workload-high", "workload-low",
                ])
        }
    }

    static let requests: [(method: HTTPRequest.Method, path: String, headers: [String: String], flow: [String])] = [
        (.get, "/api/v1/namespaces", [:], ["exempt", "exempt"]),
        (.head, "/livez/ping", [:], ["exempt", "exempt"]),
        (.get, "/livez", ["Impersonate-User": "alice"], ["probes", "exempt"]),
        // A client asks with this whether it must hold itself back, and may not even be allowed to.
        (.head, "/livez/ping", ["Impersonate-User": "alice"], ["global-default", "global-default"]),
        (.get, "/api/v1/pods", ["Impersonate-User": "alice"], ["global-default", "global-default"]),
        (
            .get, "/api/v1/pods", ["Impersonate-User": "system:serviceaccount:default:robot"], ["service-accounts", "workload-low"]
        ),
        (
            .get, "/api/v1/pods", ["Impersonate-User": "system:serviceaccount:kube-system:robot"],
            ["kube-system-service-accounts", "workload-high"]
        ),
        (
            .get, "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l", ["Impersonate-User": "system:kube-scheduler"],
            ["system-leader-election", "leader-election"]
        ),
        (
            .get, "/api/v1/nodes/n", ["Impersonate-User": "system:node:n", "Impersonate-Group": "system:nodes"],
            ["system-node-high", "node-high"]
        ),
        (.get, "/api/v1/pods", ["Impersonate-User": "system:node:n", "Impersonate-Group": "system:nodes"], ["system-nodes", "system"]),
    ]

    @Test func aRequestIsToldItsFlow() async throws {
        try await TestServer.with { server in
            for request in Self.requests {
                let answer = await server.ask(request.method, request.path, headers: request.headers)
                #expect(await flow(answer, server) == request.flow, "\(request.path) \(request.headers)")
            }
            #expect(await server.ask(.get, "/api/v1/pods", token: nil).headers[Self.names[0]] == nil)
        }
    }

    @Test func flowsFollowTheStore() async throws {
        try await TestServer.with { server in
            let alice = ["Impersonate-User": "alice"]
            let own: Value = [
                "metadata": ["name": "alices"],
                "spec": [
                    "matchingPrecedence": 50, "priorityLevelConfiguration": ["name": "workload-low"],
                    "rules": [
                        [
                            "subjects": [["kind": "User", "user": ["name": "alice"]]],
                            "resourceRules": [
                                ["verbs": ["list"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["default"]]
                            ],
                        ]
                    ],
                ],
            ]
            #expect(await server.ask(.post, "\(Self.path)/flowschemas", own).code == 201)
            let inside = "/api/v1/namespaces/default/pods"
            #expect(await flow(await server.ask(.get, inside, headers: alice), server) == ["alices", "workload-low"])
            // Not what the rule does not name.
            for path in ["/api/v1/pods", "/api/v1/namespaces/other/pods", "\(inside)/p", "/api/v1/namespaces/default/secrets"] {
                #expect(await flow(await server.ask(.get, path, headers: alice), server).first == "global-default", "\(path)")
            }
            await server.ask(.delete, "\(Self.path)/prioritylevelconfigurations/workload-low")
            #expect(await flow(await server.ask(.get, inside, headers: alice), server).first == "global-default")
        }
    }

    @Test func whatEveryClusterHasComesBack() async throws {
        try await TestServer.with { server in
            let (type, schemas) = ("application/merge-patch+json", "\(Self.path)/flowschemas")
            await server.ask(.delete, "\(schemas)/catch-all")
            await server.ask(.delete, "\(schemas)/probes")
            func change(_ name: String, _ precedence: Int64, isKept: Value = .null) async {
                let annotation: Value = isKept.isNull ? .null : ["apf.kubernetes.io/autoupdate-spec": isKept]
                let patch: Value = ["metadata": ["annotations": annotation], "spec": ["matchingPrecedence": .int(precedence)]]
                await server.ask(.patch, "\(schemas)/\(name)", patch, type: type)
            }
            await change("exempt", 7)
            await change("global-default", 8, isKept: "true")
            await change("system-nodes", 9, isKept: "false")
            // An older server's, and one that an administrator has taken over.
            for (name, isKept) in [("former", "true"), ("taken", "false")] {
                let former: Value = [
                    "metadata": ["name": .string(name), "annotations": ["apf.kubernetes.io/autoupdate-spec": .string(isKept)]],
                    "spec": ["priorityLevelConfiguration": ["name": "system"], "matchingPrecedence": 100],
                ]
                #expect(await server.ask(.post, schemas, former).code == 201)
            }
            let objects = FlowControlObjects(registry: server.server.registry)
            try await objects.keep()
            func precedence(_ name: String) async -> Value {
                await server.ask(.get, "\(schemas)/\(name)").json["spec"]["matchingPrecedence"]
            }
            #expect(await precedence("catch-all") == 10_000)
            #expect(await precedence("probes") == 2)
            #expect(await precedence("exempt") == 1)
            #expect(await precedence("global-default") == 9900)
            #expect(await precedence("system-nodes") == 9)
            #expect(await server.ask(.get, "\(schemas)/former").code == 404)
            #expect(await precedence("taken") == 100)
            let before = server.store.revision
            try await objects.keep()
            #expect(server.store.revision == before, "what is as it should be is left alone")
        }
    }

    static let revisions: [(object: Value, isMandatory: Bool, spec: Value, isKept: Value)] = [
        // Without a word, what nobody has changed is the server's.
        (["metadata": ["generation": 1], "spec": ["a": 2]], false, ["a": 1], "true"),
        (["metadata": ["generation": 2], "spec": ["a": 2]], false, ["a": 2], "false"),
        (["metadata": ["generation": 2], "spec": ["a": 2]], true, ["a": 1], "true"),
        (["metadata": ["generation": 2, "annotations": ["apf.kubernetes.io/autoupdate-spec": "t"]]], false, ["a": 1], "t"),
        (["metadata": ["generation": 1, "annotations": ["apf.kubernetes.io/autoupdate-spec": "no"]]], false, ["a": 1], "true"),
        (["metadata": ["annotations": ["apf.kubernetes.io/autoupdate-spec": "false"]], "spec": ["a": 2]], true, ["a": 1], "true"),
        // How much is lent of what is exempt is for its administrator to say.
        (
            ["metadata": ["generation": 2], "spec": ["type": "Exempt", "a": 2, "exempt": ["lendablePercent": 50]]], true,
            ["a": 1, "exempt": ["nominalConcurrencyShares": .null, "lendablePercent": 50]], "true"
        ),
    ]

    @Test(arguments: revisions.indices)
    func anObjectIsBroughtUpToDate(_ index: Int) {
        let (object, isMandatory, spec, isKept) = Self.revisions[index]
        let revised = FlowControlObjects.revised(object, wanted: ["a": 1], isMandatory: isMandatory)
        #expect(revised["spec"] == spec)
        #expect(revised["metadata"]["annotations"]["apf.kubernetes.io/autoupdate-spec"] == isKept)
    }

    @Test func aSchemaSaysWhetherItsLevelIsThere() async throws {
        try await TestServer.with { server in
            let status = FlowSchemaStatus(registry: server.server.registry)
            func told(_ name: String) async -> Value {
                var condition = await server.ask(.get, "\(Self.path)/flowschemas/\(name)").json["status"]["conditions"][0]
                condition["lastTransitionTime"] = .null
                return condition
            }
            try await status.keep()
            let found: Value = [
                "type": "Dangling", "status": "False", "reason": "Found",
                "message": "This FlowSchema references the PriorityLevelConfiguration object named \"workload-low\" and it exists",
            ]
            #expect(await told("service-accounts") == found)
            let before = server.store.revision
            try await status.keep()
            #expect(server.store.revision == before, "what is said already is not said again")
            await server.ask(.delete, "\(Self.path)/prioritylevelconfigurations/workload-low")
            try await status.keep()
            let dangling = await told("service-accounts")
            #expect(dangling["status"] == "True" && dangling["reason"] == "NotFound")
            #expect(dangling["message"].string?.hasSuffix("but there is no such object") == true)
        }
    }

    // MARK: Requests in progress

    private func info(_ method: HTTPRequest.Method, _ path: String) throws -> RequestInfo {
        try RequestInfo(Request(method: method, path: path))
    }

    @Test func soManyRequestsAreInProgressAndOfEachUserSoManyThatLast() throws {
        var limits = Limits()
        (limits.reads, limits.writes, limits.lastingPerUser) = (2, 0, 1)
        let inProgress = RequestsInProgress(limits: limits)
        let read = RequestsInProgress.Sort(try info(.get, "/api/v1/pods"))
        let write = RequestsInProgress.Sort(try info(.post, "/api/v1/namespaces/a/pods"))
        let log = RequestsInProgress.Sort(try info(.get, "/api/v1/namespaces/a/pods/p/log"))
        func isRefused(_ user: String, _ sort: RequestsInProgress.Sort) -> Bool {
            do throws(APIError) {
                _ = try inProgress.take(user, sort)
                return false
            } catch {
                return error.code == 429
            }
        }
        var places = [try inProgress.take("alice", read), try inProgress.take("bob", read), try inProgress.take("alice", log)]
        #expect(isRefused("alice", read) && isRefused("bob", read) && isRefused("alice", log))
        // 0 is no bound, and what lasts is counted by user.
        for _ in 0..<10 { places.append(try inProgress.take("alice", write)) }
        #expect(!isRefused("bob", log))
        places.removeAll()
        #expect(!isRefused("alice", read) && !isRefused("alice", log))
    }

    @Test func withoutPriorityAndFairnessRequestsAreCounted() async throws {
        try await TestServer.with {
            $0.hasPriorityAndFairness = false
            $0.limits.reads = 1
        } _: { server in
            await Self.empower(server)
            let gate = Gate()
            async let held = server.server.respond(to: Self.held(.post, "/api/v1/namespaces/default/configmaps", gate, user: "alice"))
            await gate.isReached()
            // Writes are counted by themselves, and have no flow.
            let answer = await server.ask(.get, "/api", token: "alice-token")
            #expect(answer.code == 200)
            #expect(answer.headers[Self.names[0]] == nil)
            gate.open()
            _ = await held
            #expect(await server.ask(.get, "/debug/api_priority_and_fairness/dump_queues").code == 404)
        }
    }

    @Test func aStreamKeepsItsPlaceUntilItIsOut() async throws {
        let inProgress = RequestsInProgress(
            limits: {
                var limits = Limits()
                limits.lastingPerUser = 1
                return limits
            }())
        let watch = try RequestInfo(Request(method: .get, path: "/api/v1/pods", query: [(name: "watch", value: "1")]))
        var response: Response? = try inProgress.take("alice", RequestsInProgress.Sort(watch)).held(
            by: .stream(status: .ok, headers: [:]) { _ in })
        #expect { try inProgress.take("alice", RequestsInProgress.Sort(watch)) } throws: { ($0 as? APIError)?.code == 429 }
        if case .stream(_, _, let write) = response { try await write(BodyWriter { _ in }) }
        response = nil
        _ = try inProgress.take("alice", RequestsInProgress.Sort(watch))
    }

    // MARK: Size

    @Test func selectorsAndTokensHaveABound() async throws {
        try await TestServer.with { server in
            let maps = "/api/v1/namespaces/default/configmaps"
            let many = (0...500).map { "a\($0)" }.joined(separator: ",")
            let values = "a%20in%20(\((0...500).map { "v\($0)" }.joined(separator: ",")))"
            for query in [
                "labelSelector=\(many)", "labelSelector=\(values)", "watch=true&timeoutSeconds=1&labelSelector=\(many)",
                "continue=\(String(repeating: "A", count: 5000))",
            ] {
                #expect(await server.ask(.get, "\(maps)?\(query)").code == 400, "\(query.prefix(60))")
            }
            #expect(await server.ask(.get, "\(maps)?labelSelector=\((1...400).map { "a\($0)" }.joined(separator: ","))").code == 200)
        }
    }

    @Test func metricsDoNotGrowWithWhatIsAskedFor() async throws {
        try await TestServer.with { server in
            for index in 0..<20 { await server.ask(.get, "/apis/group\(index)/v1/namespaces/n/things\(index)/x", token: nil) }
            let text = await server.ask(.get, "/metrics").text
            #expect(!text.contains("things1"))
            let none = "dry_run=\"\",group=\"\",resource=\"\",scope=\"\",subresource=\"\",system_client=\"\",verb=\"GET\",version=\"\"} 20"
            #expect(text.contains("apiserver_request_total{code=\"401\",component=\"apiserver\",\(none)"))
        }
    }

    // MARK: Seats

    /// A request whose body comes when the gate opens.
    private static func held(_ method: HTTPRequest.Method, _ path: String, _ gate: Gate, user: String) -> Request {
        Request(
            method: method, path: path, headers: [.authorization: "Bearer \(user)-token", .contentType: "application/json"],
            body: RequestBody {
                await gate.wait()
                return nil
            })
    }

    /// Lets `alice` do what she likes: who may not is told before the body is read.
    private static func empower(_ server: TestServer) async {
        let binding: Value = [
            "metadata": ["name": "alice"],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"],
            "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"]],
        ]
        #expect(await server.ask(.post, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding).code == 201)
    }

    /// A level and a schema that leads `alice` there.
    static func narrow(_ server: TestServer, _ response: Value) async {
        let level: Value = [
            "metadata": ["name": "narrow"],
            "spec": [
                "type": "Limited", "limited": ["nominalConcurrencyShares": 0, "borrowingLimitPercent": 0, "limitResponse": response],
            ],
        ]
        let schema: Value = [
            "metadata": ["name": "alices"],
            "spec": [
                "matchingPrecedence": 50, "priorityLevelConfiguration": ["name": "narrow"], "distinguisherMethod": ["type": "ByUser"],
                "rules": [
                    [
                        "subjects": [["kind": "User", "user": ["name": "alice"]]],
                        "resourceRules": [
                            ["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true]
                        ],
                        "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]],
                    ]
                ],
            ],
        ]
        #expect(await server.ask(.post, "\(path)/prioritylevelconfigurations", level).code == 201)
        #expect(await server.ask(.post, "\(path)/flowschemas", schema).code == 201)
    }

    @Test func whoFindsNoSeatIsToldToComeBack() async throws {
        try await TestServer.with { server in
            await Self.empower(server)
            await Self.narrow(server, ["type": "Reject"])
            let gate = Gate()
            // What is wider than the level has it for itself.
            async let first = server.server.respond(to: Self.held(.post, "/api/v1/namespaces/default/configmaps", gate, user: "alice"))
            await gate.isReached()
            let answer = await server.ask(.get, "/api", token: "alice-token")
            #expect(answer.code == 429)
            #expect(answer.reason == "TooManyRequests")
            #expect(answer.message == "Too many requests, please try again later.")
            #expect(answer.headers[.retryAfter] == "1")
            #expect(await flow(answer, server) == ["alices", "narrow"])
            #expect(await server.ask(.get, "/api", token: "bob-token").code == 200)
            gate.open()
            _ = await first
            #expect(await server.ask(.get, "/api", token: "alice-token").code == 200)
        }
    }

    /// A flood that takes all seats of its level, and fills its queues, is not noticed elsewhere; and all of it is served in the end.
    @Test func aFloodWaitsAndOthersDoNot() async throws {
        try await TestServer.with {
            ($0.limits.reads, $0.limits.writes) = (60, 40)
        } _: { server in
            await Self.empower(server)
            let flows = try #require(server.server.flows)
            func waiting() -> Int { flows.overview.levels.reduce(0) { $0 + $1.level.snapshot.queues.waiting } }
            let (gate, flood) = (Gate(), 200)
            let maps = "/api/v1/namespaces/default/configmaps"
            let codes = await withTaskGroup(of: Int.self) { group in
                for _ in 0..<flood {
                    group.addTask { await server.server.respond(to: Self.held(.post, maps, gate, user: "alice")).code }
                }
                while waiting() < 100 { await Task.yield() }
                let node = ["Impersonate-User": "system:node:n", "Impersonate-Group": "system:nodes"]
                for _ in 0..<100 { #expect(await server.ask(.get, "/api/v1/pods", headers: node).code == 403) }
                #expect(await server.ask(.get, "/api/v1/pods").code == 200)
                let pages = "/debug/api_priority_and_fairness"
                let requests = await server.ask(.get, "\(pages)/dump_requests?includeRequestDetails=1").text
                #expect(requests.hasPrefix("PriorityLevelName, FlowSchemaName, QueueIndex, RequestIndexInQueue,"))
                #expect(requests.split(separator: "\n").count { $0.contains("global-default,") && $0.contains("alice") } > 100)
                let levels = await server.ask(.get, "\(pages)/dump_priority_levels").text
                #expect(levels.split(separator: "\n").contains { $0.hasPrefix("system,") && $0.contains(" true,") })
                gate.open()
                return await group.reduce(into: []) { $0.append($1) }
            }
            // None was sent away; that the bodies are empty is found out when they are read.
            #expect(codes.count == flood && codes.allSatisfy { $0 == 400 }, "\(Set(codes))")
            #expect(waiting() == 0)
            #expect(await server.ask(.get, "/debug/api_priority_and_fairness/dump_queues", token: "bob-token").code == 403)
            let text = await server.ask(.get, "/metrics").text
            #expect(text.contains("apiserver_flowcontrol_nominal_limit_seats{priority_level=\"global-default\"} 9\n"))
            #expect(
                text.contains(
                    "apiserver_flowcontrol_current_inqueue_requests{flow_schema=\"global-default\",priority_level=\"global-default\"} 0\n"))
        }
    }

    /// A client that went away takes no seat when its turn comes.
    @Test func whoGoesAwayWaitsNoLonger() async throws {
        try await TestServer.with { server in
            await Self.narrow(server, ["type": "Queue", "queuing": ["queues": 1, "handSize": 1, "queueLengthLimit": 5]])
            let flows = try #require(server.server.flows)
            func level() -> PriorityLevel.Queues? {
                flows.overview.levels.first { $0.configuration.name == "narrow" }?.level.snapshot.queues
            }
            // A level without seats serves nobody who could wait.
            let request = Task { await server.ask(.get, "/api", token: "alice-token").code }
            while level()?.waiting != 1 { await Task.yield() }
            request.cancel()
            #expect(await request.value == 429)
            #expect(level()?.isIdle == true)
        }
    }

    @Test func aWatchGivesItsSeatBackWhenItHasToldWhatThereIs() async throws {
        try await TestServer.with { server in
            let flows = try #require(server.server.flows)
            @Sendable func executing() -> Int { flows.overview.levels.reduce(0) { $0 + $1.level.snapshot.queues.executing } }
            let watch = Request(
                method: .get, path: "/api/v1/namespaces", query: [("watch", "true"), ("timeoutSeconds", "1")],
                headers: [.authorization: "Bearer admin-token"])
            let response = await server.server.respond(to: watch)
            guard case .stream(_, _, let write) = response else { return #expect(Bool(false), "a watch is a stream") }
            #expect(executing() == 1)
            let seen = Mutex<[Int]>([])
            try await write(BodyWriter { _ in seen.withLock { $0.append(executing()) } })
            #expect(seen.withLock { $0.first } == 1)
            #expect(executing() == 0)
        }
    }
}

/// Holds whoever waits until it is opened.
private final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func wait() async {
        await withCheckedContinuation { waiter in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(waiter) }
                return state.isOpen
            }
            if isOpen { waiter.resume() }
        }
    }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when somebody waits.
    func isReached() async {
        while state.withLock({ $0.waiters.isEmpty }) { await Task.yield() }
    }
}
