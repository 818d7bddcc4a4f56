import APIModel
import HTTPTypes
import PKI
import Testing

@testable import APIServer

/// Acting as somebody else for some requests alone.
@Suite struct ImpersonationTests {
    private static let rbac = "/apis/rbac.authorization.k8s.io/v1"
    private static let authentication: Value = ["authentication.k8s.io"]
    private static let maps = "/api/v1/namespaces/default/configmaps"

    private static func rule(_ verbs: Value, _ resources: Value, group: Value = authentication, names: Value = .null) -> Value {
        ["verbs": verbs, "apiGroups": group, "resources": resources, "resourceNames": names]
    }

    /// Gives alice the rules and nothing else, and bob what he may do by himself.
    private static func grant(_ server: TestServer, _ rules: Value) async {
        for (name, user, rules) in [
            ("acting", "alice", rules), ("own", "bob", [rule(["get", "list", "delete"], ["configmaps"], group: [""])] as Value),
        ] {
            let role: Value = ["metadata": ["name": .string(name)], "rules": rules]
            #expect(await server.ask(.post, "\(rbac)/clusterroles", role).code == 201)
            let binding: Value = [
                "metadata": ["name": .string(name)],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(name)],
                "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": .string(user)]],
            ]
            #expect(await server.ask(.post, "\(rbac)/clusterrolebindings", binding).code == 201)
        }
    }

    @Test func aUserIsActedAsForWhatIsAllowedSo() async throws {
        try await TestServer.with { server in
            await Self.grant(
                server,
                [
                    Self.rule(["impersonate-on:user-info:list", "impersonate-on:user-info:get"], ["configmaps"], group: [""]),
                    Self.rule(["impersonate:user-info"], ["users"], names: ["bob"]),
                    Self.rule(["impersonate:user-info"], ["groups"], names: ["devs", ""]),
                    Self.rule(["impersonate:user-info"], ["userextras/example.com/scopes"], names: ["view"]),
                ])
            let bob = ["Impersonate-User": "bob"]
            let scopes = "Impersonate-Extra-example.com%2fscopes"
            let cannot = "User \"alice\" cannot"
            let here = "in API group \"authentication.k8s.io\" at the cluster scope"
            let rows: [(String, [String: String], String?)] = [
                (Self.maps, bob, nil),
                (Self.maps, bob.with("Impersonate-Group", "devs"), nil),
                (Self.maps, bob.with(scopes, "view"), nil),
                (
                    "/api/v1/namespaces/default/secrets", bob,
                    "secrets is forbidden: \(cannot) impersonate-on:user-info:list resource \"secrets\" in API group \"\" in the namespace \"default\""
                ),
                (
                    Self.maps, ["Impersonate-User": "carol"],
                    "users.authentication.k8s.io \"carol\" is forbidden: \(cannot) impersonate:user-info resource \"users\" \(here)"
                ),
                (
                    Self.maps, bob.with("Impersonate-Group", "ops"),
                    "groups.authentication.k8s.io \"ops\" is forbidden: \(cannot) impersonate:user-info resource \"groups\" \(here)"
                ),
                (
                    Self.maps, bob.with("Impersonate-Group", "system:masters"),
                    "groups.authentication.k8s.io \"system:masters\" is forbidden: \(cannot) impersonate:user-info resource \"groups\" \(here): "
                        + "impersonating the system:masters group is not allowed"
                ),
                (
                    Self.maps, bob.with("Impersonate-Group", ""),
                    "groups.authentication.k8s.io is forbidden: \(cannot) impersonate:user-info resource \"groups\" \(here): "
                        + "impersonating the empty string group is not allowed"
                ),
                (
                    Self.maps, bob.with("Impersonate-Uid", "1"),
                    "uids.authentication.k8s.io \"1\" is forbidden: \(cannot) impersonate:user-info resource \"uids\" \(here)"
                ),
                (
                    Self.maps, bob.with(scopes, "admin"),
                    "userextras.authentication.k8s.io \"admin\" is forbidden: \(cannot) impersonate:user-info "
                        + "resource \"userextras/example.com/scopes\" \(here)"
                ),
                (
                    Self.maps, bob.with("Impersonate-Extra-scopes", "view"),
                    "userextras.authentication.k8s.io is forbidden: \(cannot) impersonate:user-info resource \"userextras\" \(here): "
                        + "impersonating an invalid key in extra is not allowed: extra.key: Invalid value: \"scopes\": "
                        + "must be a domain-prefixed path (such as \"acme.io/foo\")"
                ),
                (
                    Self.maps, ["Impersonate-User": "system:node:n"],
                    "configmaps is forbidden: \(cannot) impersonate-on:arbitrary-node:list resource \"configmaps\" in API group \"\" in the namespace \"default\""
                ),
                (
                    Self.maps, ["Impersonate-User": "system:serviceaccount:default:robot"],
                    "configmaps is forbidden: \(cannot) impersonate-on:serviceaccount:list resource \"configmaps\" in API group \"\" in the namespace \"default\""
                ),
                (
                    Self.maps, ["Impersonate-Group": "devs"],
                    "requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string{\"devs\"}, Extra:map[string][]string(nil)} "
                        + "without impersonating a user name"
                ),
            ]
            for (path, headers, message) in rows {
                let answer = await server.ask(.get, path, token: "alice-token", headers: headers)
                #expect(message == nil ? answer.code == 200 : answer.message == message, "\(headers): \(answer.message)")
            }
            // Bob may delete, alice may not do so as bob.
            #expect(await server.ask(.delete, Self.maps, token: "alice-token", headers: bob).code == 403)
            let text = await server.ask(.get, "/metrics").text
            #expect(text.contains("apiserver_impersonation_attempts_total{mode=\"user-info\",decision=\"allowed\"} 3\n"))
            #expect(text.contains("apiserver_impersonation_attempts_total{mode=\"\",decision=\"denied\"} 11\n"))
            #expect(text.contains("apiserver_impersonation_authorization_attempts_total{mode=\"legacy\",decision=\"denied\"}"))
            #expect(text.contains("apiserver_impersonation_attempts_duration_seconds_count{mode=\"user-info\",decision=\"allowed\"} 3\n"))
        }
    }

    /// What the modes ask, and as whom.
    @Test func eachModeAsksItsQuestions() throws {
        let agent = UserInfo(
            name: "system:serviceaccount:kube-system:agent", groups: ["system:serviceaccounts"],
            extra: ["authentication.kubernetes.io/node-name": ["n1"], "authentication.kubernetes.io/pod-name": ["p"]])
        func modes(_ wanted: UserInfo, real: UserInfo) -> [ImpersonationMode] {
            ImpersonationMode.allCases.filter { $0.applies(to: wanted, real: real) }
        }
        let (n1, n2) = (UserInfo(name: "system:node:n1"), UserInfo(name: "system:node:n2"))
        for (wanted, real, expected) in [
            (n1, agent, [.associatedNode, .arbitraryNode, .legacy]), (n2, agent, [.arbitraryNode, .legacy]),
            (n1, UserInfo(name: "bob", extra: agent.extra), [.arbitraryNode, .legacy]),
            (UserInfo(name: "system:node:n1", groups: ["system:nodes"]), agent, [.legacy]),
            (UserInfo(name: "system:node:N_1"), agent, [.userInfo, .legacy]),
            (UserInfo(name: "system:serviceaccount:a:b"), agent, [.serviceAccount, .legacy]),
            (UserInfo(name: "system:serviceaccount:a:b", uid: "1"), agent, [.legacy]),
            (UserInfo(name: "system:serviceaccount:a"), agent, [.userInfo, .legacy]),
            (UserInfo(name: "bob", uid: "1", groups: ["g"]), agent, [.userInfo, .legacy]),
        ] as [(UserInfo, UserInfo, [ImpersonationMode])] {
            #expect(modes(wanted, real: real) == expected, "\(wanted) by \(real.name)")
        }
        let list = Attributes(user: agent, verb: "list", group: "", resource: "pods")
        let request = try #require(ImpersonationMode.associatedNode.check(ofRequest: list))
        let keys = ["authentication.kubernetes.io/node-name", "authentication.kubernetes.io/pod-name"]
        #expect(request.verb == "impersonate-on:associated-node:list" && request.resource == "pods")
        #expect(request.user.extra == ["authentication.kubernetes.io/associated-node-keys": keys])
        guard case .may(let node)? = ImpersonationMode.associatedNode.checks(n1, real: agent).first else {
            Issue.record("the node is asked about")
            return
        }
        #expect(node.verb == "impersonate:associated-node" && node.resource == "nodes" && node.name == "*")
        #expect(node.user.extra == request.user.extra)
        #expect(ImpersonationMode.arbitraryNode.completed(n1).groups == ["system:nodes", "system:authenticated"])
        #expect(ImpersonationMode.legacy.completed(n1).groups == ["system:authenticated"])
        #expect(ImpersonationMode.legacy.check(ofRequest: list) == nil)
        let many = UserInfo(name: "bob", groups: ["a", "b", "c", "d"])
        guard case .mayAll(let each, let all)? = ImpersonationMode.userInfo.checks(many, real: agent).last else {
            Issue.record("all groups are asked for at once")
            return
        }
        #expect(each.map(\.name) == many.groups && all.name == "*")
    }

    /// A service account on a node acts as that node, and as no other.
    @Test func anAgentActsAsItsOwnNode() async throws {
        let token = "agent-token"
        struct Agent: TokenAuthenticator {
            func authenticate(token: String, audiences: [String]) async -> TokenResult {
                guard token == "agent-token" else { return .unknown }
                let extra = ["authentication.kubernetes.io/node-name": ["n1"]]
                return .user(UserInfo(name: "system:serviceaccount:kube-system:agent", extra: extra), audiences: nil)
            }
        }
        try await TestServer.with {
            $0.tokens.append(Agent())
        } _: { server in
            let rules: Value = [
                Self.rule(["impersonate:associated-node"], ["nodes"]),
                Self.rule(["impersonate-on:associated-node:create"], ["selfsubjectreviews"]),
            ]
            await server.ask(.post, "\(Self.rbac)/clusterroles", ["metadata": ["name": "agent"], "rules": rules])
            await server.ask(
                .post, "\(Self.rbac)/clusterrolebindings",
                [
                    "metadata": ["name": "agent"],
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "agent"],
                    "subjects": [["kind": "ServiceAccount", "namespace": "kube-system", "name": "agent"]],
                ])
            func review(_ node: String) async -> TestServer.Answer {
                await server.ask(
                    .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", .emptyObject, token: token,
                    headers: ["Impersonate-User": "system:node:\(node)"])
            }
            let own = await review("n1")
            #expect(own.json["status"]["userInfo"] == ["username": "system:node:n1", "groups": ["system:nodes", "system:authenticated"]])
            let other = await review("n2")
            #expect(other.code == 403)
            #expect(other.message.contains("impersonate-on:arbitrary-node:create"), "\(other.message)")
        }
    }
}
