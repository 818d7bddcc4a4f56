import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// Who may do what to which kind of object: every user with every verb on every resource, by real requests.
@Suite struct AccessMatrixTests {
    private struct Who: Sendable {
        var name: String
        var groups: [String] = []
        /// The role that the user has in the namespace `team`, or `cluster:ROLE` for everywhere.
        var role = ""
        /// What it may, by resource: `g`et, `l`ist, `w`atch, `c`reate, `u`pdate, `d`elete. What is not here, it may not.
        var may: [String: String]
    }

    private static let all = "glwcud"
    private static let read = "glw"

    private static let resources: [(name: String, path: String, kind: String, apiVersion: String)] = [
        ("pods", "/api/v1/namespaces/team/pods", "Pod", "v1"),
        ("pods elsewhere", "/api/v1/namespaces/default/pods", "Pod", "v1"),
        ("configmaps", "/api/v1/namespaces/team/configmaps", "ConfigMap", "v1"),
        ("secrets", "/api/v1/namespaces/team/secrets", "Secret", "v1"),
        ("serviceaccounts", "/api/v1/namespaces/team/serviceaccounts", "ServiceAccount", "v1"),
        ("deployments", "/apis/apps/v1/namespaces/team/deployments", "Deployment", "apps/v1"),
        ("roles", "/apis/rbac.authorization.k8s.io/v1/namespaces/team/roles", "Role", "rbac.authorization.k8s.io/v1"),
        ("quotas", "/api/v1/namespaces/team/resourcequotas", "ResourceQuota", "v1"),
        ("leases", "/apis/coordination.k8s.io/v1/namespaces/team/leases", "Lease", "coordination.k8s.io/v1"),
        ("namespaces", "/api/v1/namespaces", "Namespace", "v1"),
        ("nodes", "/api/v1/nodes", "Node", "v1"),
        ("volumes", "/api/v1/persistentvolumes", "PersistentVolume", "v1"),
        (
            "clusterroles", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "ClusterRole", "rbac.authorization.k8s.io/v1"
        ),
        (
            "webhooks", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations", "ValidatingWebhookConfiguration",
            "admissionregistration.k8s.io/v1"
        ),
        ("plugins", "/apis/plugins.apus.dev/v1alpha1/plugins", "Plugin", "plugins.apus.dev/v1alpha1"),
    ]

    private static let everything = Dictionary(uniqueKeysWithValues: resources.map { ($0.name, all) })

    private static let users: [Who] = [
        Who(name: "root", groups: ["system:masters"], may: everything),
        Who(name: "operator", role: "cluster:cluster-admin", may: everything),
        Who(
            name: "owner", role: "admin",
            may: [
                "pods": all, "configmaps": all, "secrets": all, "serviceaccounts": all, "deployments": all, "roles": all, "quotas": read,
                "leases": all,
            ]),
        Who(
            name: "developer", role: "edit",
            may: [
                "pods": all, "configmaps": all, "secrets": all, "serviceaccounts": all, "deployments": all, "quotas": read, "leases": all,
            ]),
        Who(
            name: "reader", role: "view",
            may: ["pods": read, "configmaps": read, "serviceaccounts": read, "deployments": read, "quotas": read]),
        Who(name: "nobody", may: [:]),
        Who(name: "system:anonymous", groups: ["system:unauthenticated"], may: [:]),
        Who(name: "system:serviceaccount:team:default", may: [:]),
        Who(
            name: "system:serviceaccount:team:robot", role: "edit",
            may: [
                "pods": all, "configmaps": all, "secrets": all, "serviceaccounts": all, "deployments": all, "quotas": read, "leases": all,
            ]),
    ]

    private static let verbs: [(letter: Character, method: HTTPRequest.Method, isNamed: Bool, query: String)] = [
        ("g", .get, true, ""), ("l", .get, false, ""), ("w", .get, false, "?watch=true&resourceVersion=x"),
        ("c", .post, false, "?dryRun=All"), ("u", .put, true, "?dryRun=All"), ("d", .delete, true, "?dryRun=All"),
    ]

    private static func bind(_ who: Who, _ server: TestServer) async {
        guard !who.role.isEmpty else { return }
        let isForAll = who.role.hasPrefix("cluster:")
        let role = isForAll ? String(who.role.dropFirst("cluster:".count)) : who.role
        let account = UserInfo.serviceAccount(of: who.name)
        let subject: Value =
            account.map { ["kind": "ServiceAccount", "namespace": .string($0.namespace), "name": .string($0.name)] }
            ?? ["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": .string(who.name)]
        let group = "/apis/rbac.authorization.k8s.io/v1"
        let name = who.name.split(separator: ":").last ?? ""
        let answer = await server.ask(
            .post, isForAll ? "\(group)/clusterrolebindings" : "\(group)/namespaces/team/rolebindings",
            [
                "metadata": ["name": .string("matrix-\(name)")], "subjects": [subject],
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(role)],
            ])
        #expect(answer.code == 201, "\(answer.text)")
    }

    @Test func everyUserEveryVerbEveryResource() async throws {
        try await TestServer.with { server in
            await server.ask(.post, "/api/v1/namespaces", ["metadata": ["name": "team"]])
            for who in Self.users { await Self.bind(who, server) }
            for who in Self.users {
                var headers = ["Impersonate-User": who.name]
                if let group = who.groups.first { headers["Impersonate-Group"] = group }
                for resource in Self.resources {
                    let object: Value = [
                        "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind), "metadata": ["name": "x"],
                    ]
                    for verb in Self.verbs {
                        let path = resource.path + (verb.isNamed ? "/x" : "") + verb.query
                        let answer = await server.ask(
                            verb.method, path, verb.method == .get || verb.method == .delete ? nil : object, headers: headers)
                        let mayIt = who.may[resource.name]?.contains(verb.letter) ?? false
                        let isRefused = answer.code == 403 && answer.message.contains("User \"\(who.name)\" cannot")
                        #expect(
                            isRefused != mayIt, "\(who.name) \(verb.letter) \(resource.name): \(answer.code) \(answer.message)")
                    }
                }
            }
        }
    }

    /// What is authorized is what is served, however the path is written.
    @Test(
        arguments: [
            "/api/v1/namespaces/team/../default/secrets", "/api/v1/namespaces/team%2F..%2Fdefault/secrets", "//api/v1/secrets",
            "/API/v1/secrets", "/api/v1//secrets", "/api/v1/namespaces/team/secrets/%2e%2e/configmaps", "/api/v1/./secrets",
            "/api/v1/namespaces/team/secrets%2Fx", "/api/v1/secrets%00",
        ]) func aPathIsUnderstoodInOneWay(_ path: String) async throws
    {
        try await TestServer.with { server in
            let answer = await server.ask(.get, path, headers: ["Impersonate-User": "nobody"])
            #expect([301, 400, 403, 404].contains(answer.code), "\(answer.code) \(answer.text)")
            #expect(answer.json["items"].isNull)
        }
    }
}
