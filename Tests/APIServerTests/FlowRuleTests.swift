import APIModel
import HTTPServer
import HTTPTypes
import Testing

@testable import APIServer

/// Which requests a rule of a FlowSchema matches.
@Suite struct FlowRuleTests {
    private static let alice = UserInfo(name: "alice", groups: ["devs", "system:authenticated"])
    private static let robot = UserInfo.serviceAccount(namespace: "default", name: "robot").authenticated

    private static func user(_ name: String) -> Value { ["kind": "User", "user": ["name": .string(name)]] }
    private static func group(_ name: String) -> Value { ["kind": "Group", "group": ["name": .string(name)]] }
    private static func account(_ namespace: String, _ name: String) -> Value {
        ["kind": "ServiceAccount", "serviceAccount": ["namespace": .string(namespace), "name": .string(name)]]
    }

    static let subjects: [(subject: Value, user: UserInfo, matches: Bool)] = [
        (user("alice"), alice, true), (user("bob"), alice, false), (user("*"), alice, true), (user("Alice"), alice, false),
        (group("devs"), alice, true), (group("ops"), alice, false), (group("*"), alice, true), (group("alice"), alice, false),
        (account("default", "robot"), robot, true), (account("default", "*"), robot, true), (account("other", "*"), robot, false),
        (account("defaul", "*"), robot, false), (account("default", "rob"), robot, false), (account("default", "*"), alice, false),
        (group("system:serviceaccounts"), robot, true), (user("system:serviceaccount:default:robot"), robot, true),
    ]

    @Test(arguments: subjects.indices)
    func subjectsMatch(_ index: Int) throws {
        let (subject, user, matches) = Self.subjects[index]
        let rule = FlowRule(["subjects": [subject], "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]]])
        #expect(rule.matches(user, try RequestInfo(Request(method: .get, path: "/version"))) == matches, "\(subject) \(user.name)")
    }

    private static func rule(
        verbs: Value = ["*"], groups: Value = ["*"], resources: Value = ["*"], namespaces: Value = ["*"], isOfCluster: Bool = false
    ) -> Value {
        ["verbs": verbs, "apiGroups": groups, "resources": resources, "namespaces": namespaces, "clusterScope": .bool(isOfCluster)]
    }

    private static let pods = "/api/v1/namespaces/default/pods"

    static let resources: [(rule: Value, method: HTTPRequest.Method, path: String, matches: Bool)] = [
        (rule(), .get, pods, true),
        // All namespaces are not a namespace.
        (rule(), .get, "/api/v1/pods", false), (rule(isOfCluster: true), .get, "/api/v1/pods", true),
        (rule(namespaces: .null, isOfCluster: true), .get, pods, false), (rule(namespaces: ["default"]), .get, pods, true),
        (rule(namespaces: ["other"]), .get, pods, false), (rule(), .get, "/api/v1/nodes/n", false),
        (rule(verbs: ["list"]), .get, pods, true), (rule(verbs: ["get"]), .get, pods, false),
        (rule(verbs: ["get"]), .get, "\(pods)/p", true), (rule(verbs: ["create"]), .post, pods, true),
        (rule(groups: [""]), .get, pods, true), (rule(groups: ["apps"]), .get, pods, false),
        (rule(groups: ["apps"]), .get, "/apis/apps/v1/namespaces/default/deployments", true),
        // A subresource is one of its own.
        (rule(resources: ["pods"]), .get, pods, true), (rule(resources: ["pods"]), .get, "\(pods)/p/status", false),
        (rule(resources: ["pods/status"]), .get, "\(pods)/p/status", true), (rule(resources: ["pods/status"]), .get, "\(pods)/p", false),
        (rule(resources: ["pods/*"]), .get, "\(pods)/p/status", false), (rule(resources: ["podsxstatus"]), .get, "\(pods)/p/status", false),
        // Rules for what is no resource say nothing of resources.
        (["verbs": ["*"], "nonResourceURLs": ["*"]], .get, pods, false),
    ]

    @Test(arguments: resources.indices)
    func resourcesMatch(_ index: Int) throws {
        let (rule, method, path, matches) = Self.resources[index]
        var whole: Value = ["subjects": [Self.group("*")]]
        whole[rule["nonResourceURLs"].isNull ? "resourceRules" : "nonResourceRules"] = [rule]
        #expect(FlowRule(whole).matches(Self.alice, try RequestInfo(Request(method: method, path: path))) == matches, "\(path) \(rule)")
    }

    static let urls: [(url: String, path: String, matches: Bool)] = [
        ("*", "/", true), ("/healthz", "/healthz", true), ("/healthz", "/healthz/ping", true), ("/healthz", "/healthzz", false),
        ("/healthz/*", "/healthz/ping", true), ("/healthz/*", "/healthz", false), ("/livez", "/healthz", false), ("/", "/version", true),
    ]

    @Test(arguments: urls.indices)
    func pathsMatch(_ index: Int) throws {
        let (url, path, matches) = Self.urls[index]
        let rule = FlowRule([
            "subjects": [Self.group("*")], "nonResourceRules": [["verbs": ["get"], "nonResourceURLs": [.string(url)]]],
        ])
        #expect(rule.matches(Self.alice, try RequestInfo(Request(method: .get, path: path))) == matches)
        #expect(!rule.matches(Self.alice, try RequestInfo(Request(method: .head, path: path))))
    }
}
