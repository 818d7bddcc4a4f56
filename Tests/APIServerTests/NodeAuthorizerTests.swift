import APIModel
import HTTPTypes
import Store
import Testing

@testable import APIServer

/// What a node sees and does, and what another node's objects are to it: the same requests about its own and about the other's.
@Suite struct NodeAuthorizerTests {
    private static let namespaced = "/api/v1/namespaces/default"
    private static let merge = "application/merge-patch+json"

    /// `n1` and `n2`, each with a pod that refers to one object of every kind a kubelet reads for pods.
    private static func fill(_ server: TestServer) async throws {
        for namespace in ["store"] { await server.ask(.post, "/api/v1/namespaces", ["metadata": ["name": .string(namespace)]]) }
        for n in ["1", "2"] {
            func name(_ text: String) -> Value { .string(text + n) }
            func make(_ path: String, _ object: Value) async throws {
                let answer = await server.ask(.post, path, object)
                try #require(answer.code == 201, "\(path): \(answer.text)")
            }
            try await make("/api/v1/nodes", ["metadata": ["name": name("n")]])
            try await make("\(namespaced)/serviceaccounts", ["metadata": ["name": name("account-")]])
            for secret in ["mounted-", "environment-", "pull-", "projected-", "variable-"] {
                try await make("\(namespaced)/secrets", ["metadata": ["name": name(secret)]])
            }
            try await make("/api/v1/namespaces/store/secrets", ["metadata": ["name": name("stage-")]])
            for map in ["map-", "shown-"] { try await make("\(namespaced)/configmaps", ["metadata": ["name": name(map)]]) }
            try await make(
                "\(namespaced)/persistentvolumeclaims",
                [
                    "metadata": ["name": name("claim-")],
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "volumeName": name("volume-"), "resources": ["requests": ["storage": "1Gi"]],
                    ],
                ])
            try await make(
                "/api/v1/persistentvolumes",
                [
                    "metadata": ["name": name("volume-")],
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "capacity": ["storage": "1Gi"],
                        "claimRef": ["namespace": "default", "name": name("claim-")],
                        "csi": [
                            "driver": "d.example.com", "volumeHandle": "h",
                            "nodeStageSecretRef": ["namespace": "store", "name": name("stage-")],
                            "controllerExpandSecretRef": ["namespace": "store", "name": name("controller-")],
                        ],
                    ],
                ])
            try await make(
                "/apis/storage.k8s.io/v1/volumeattachments",
                [
                    "metadata": ["name": name("attached-")],
                    "spec": ["attacher": "d.example.com", "nodeName": name("n"), "source": ["persistentVolumeName": name("volume-")]],
                ])
            try await make("/apis/storage.k8s.io/v1/csinodes", ["metadata": ["name": name("n")], "spec": ["drivers": []]])
            try await make(
                "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases",
                ["metadata": ["name": name("n")], "spec": ["holderIdentity": name("n")]])
            var pod = TestServer.pod("pod-\(n)")
            pod["spec"]["nodeName"] = name("n")
            pod["spec"]["serviceAccountName"] = name("account-")
            pod["spec"]["imagePullSecrets"] = [["name": name("pull-")]]
            pod["spec"]["containers"][0]["envFrom"] = [["secretRef": ["name": name("environment-")]]]
            pod["spec"]["containers"][0]["env"] = [
                ["name": "A", "valueFrom": ["secretKeyRef": ["name": name("variable-"), "key": "a"]]],
                ["name": "B", "valueFrom": ["configMapKeyRef": ["name": name("map-"), "key": "a"]]],
            ]
            pod["spec"]["volumes"] = [
                ["name": "a", "secret": ["secretName": name("mounted-")]], ["name": "b", "configMap": ["name": name("shown-")]],
                ["name": "c", "projected": ["sources": [["secret": ["name": name("projected-")]]]]],
                ["name": "d", "persistentVolumeClaim": ["claimName": name("claim-")]],
            ]
            try await make("\(namespaced)/pods", pod)
        }
    }

    private static func ask(
        _ server: TestServer, _ method: HTTPRequest.Method, _ path: String, _ body: Value? = nil, type: String = "application/json"
    ) async -> TestServer.Answer {
        await server.ask(
            method, path, body, type: type, headers: ["Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes"])
    }

    /// About one object each; `@` is the number of the node. What the node may do to its own is done, to the other's it is forbidden.
    private static let own: [(HTTPRequest.Method, String, Value?)] = [
        (.get, "\(namespaced)/secrets/mounted-@", nil), (.get, "\(namespaced)/secrets/environment-@", nil),
        (.get, "\(namespaced)/secrets/pull-@", nil), (.get, "\(namespaced)/secrets/projected-@", nil),
        (.get, "\(namespaced)/secrets/variable-@", nil), (.get, "/api/v1/namespaces/store/secrets/stage-@", nil),
        (.get, "\(namespaced)/secrets?fieldSelector=metadata.name%3Dmounted-@", nil),
        (.get, "\(namespaced)/secrets?fieldSelector=metadata.name%3Dmounted-@&watch=1&timeoutSeconds=1", nil),
        (.get, "\(namespaced)/configmaps/map-@", nil), (.get, "\(namespaced)/configmaps/shown-@", nil),
        (.get, "\(namespaced)/persistentvolumeclaims/claim-@", nil), (.get, "/api/v1/persistentvolumes/volume-@", nil),
        (.get, "/apis/storage.k8s.io/v1/volumeattachments/attached-@", nil), (.get, "\(namespaced)/serviceaccounts/account-@", nil),
        (.get, "/apis/storage.k8s.io/v1/csinodes/n@", nil), (.get, "/api/v1/nodes/n@", nil), (.get, "\(namespaced)/pods/pod-@", nil),
        (.get, "/api/v1/nodes?fieldSelector=metadata.name%3Dn@", nil), (.get, "/api/v1/pods?fieldSelector=spec.nodeName%3Dn@", nil),
        (.get, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n@", nil),
        (.patch, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n@", ["spec": ["leaseDurationSeconds": 41]]),
        (.patch, "/api/v1/nodes/n@/status", ["status": ["phase": "Running"]]),
        (.patch, "/api/v1/nodes/n@", ["metadata": ["annotations": ["a": "b"]]]),
        (.patch, "\(namespaced)/pods/pod-@/status", ["status": ["phase": "Running"]]),
        (.patch, "\(namespaced)/persistentvolumeclaims/claim-@/status", ["status": ["capacity": ["storage": "2Gi"]]]),
        (.patch, "/apis/storage.k8s.io/v1/csinodes/n@", ["metadata": ["annotations": ["a": "b"]]]),
        (.get, "/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dn@", nil),
        (.delete, "\(namespaced)/pods/pod-@", ["gracePeriodSeconds": 30]),
        (.delete, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n@", nil),
        (.delete, "/apis/storage.k8s.io/v1/csinodes/n@", nil),
    ]

    /// What no node may do, not even about its own.
    private static let forbidden: [(HTTPRequest.Method, String, Value?)] = [
        (.get, "/api/v1/secrets", nil), (.get, "\(namespaced)/secrets", nil), (.get, "/api/v1/configmaps", nil),
        (.get, "\(namespaced)/configmaps?watch=1&timeoutSeconds=1", nil), (.get, "/api/v1/pods", nil), (.get, "\(namespaced)/pods", nil),
        (.get, "/api/v1/nodes", nil), (.get, "/api/v1/persistentvolumes", nil), (.get, "\(namespaced)/persistentvolumeclaims", nil),
        (.get, "\(namespaced)/serviceaccounts", nil), (.get, "/apis/storage.k8s.io/v1/volumeattachments", nil),
        (.get, "/apis/storage.k8s.io/v1/csinodes", nil), (.get, "/apis/resource.k8s.io/v1/resourceslices", nil),
        (.get, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", nil),
        (.get, "/apis/coordination.k8s.io/v1/namespaces/default/leases/n1", nil),
        (.get, "/api/v1/pods?fieldSelector=spec.nodeName!%3Dn2", nil), (.get, "\(namespaced)/secrets?labelSelector=a%3Db", nil),
        (.get, "/api/v1/namespaces/store/secrets/controller-1", nil), (.get, "/apis/rbac.authorization.k8s.io/v1/clusterroles", nil),
        (.get, "\(namespaced)/pods/pod-1/log", nil), (.post, "\(namespaced)/pods/pod-1/exec?command=id&stdout=1", nil),
        (.post, "\(namespaced)/secrets", ["metadata": ["name": "x"]]), (.delete, "\(namespaced)/secrets/mounted-1", nil),
        (.patch, "\(namespaced)/secrets/mounted-1", ["data": ["a": "Yg=="]]), (.delete, "/api/v1/nodes/n1", nil),
        (.patch, "\(namespaced)/configmaps/map-1", ["data": ["a": "b"]]), (.delete, "\(namespaced)/pods", nil),
        (.patch, "\(namespaced)/pods/pod-1", ["metadata": ["labels": ["a": "b"]]]),
        (.patch, "\(namespaced)/persistentvolumeclaims/claim-1", ["metadata": ["labels": ["a": "b"]]]),
        (.get, "/api/v1/nodes/n1/proxy/pods", nil), (.post, "\(namespaced)/serviceaccounts", ["metadata": ["name": "x"]]),
        (.delete, "/apis/plugins.apus.dev/v1alpha1/plugins/runtime-cri", nil),
        (.post, "/apis/apps/v1/namespaces/default/deployments", TestServer.deployment("x")),
    ]

    @Test func aNodeHasItsOwnAndNothingElse() async throws {
        try await TestServer.with { server in
            try await Self.fill(server)
            for (method, path, body) in Self.forbidden {
                let answer = await Self.ask(server, method, path, body, type: method == .patch ? Self.merge : "application/json")
                #expect(answer.code == 403, "\(method) \(path): \(answer.code) \(answer.text)")
            }
            // The other's first: what the node does to its own must not be what forbids it.
            for (number, isAllowed) in [("2", false), ("1", true)] {
                for (method, path, body) in Self.own {
                    let path = path.replacing("@", with: number)
                    let answer = await Self.ask(server, method, path, body, type: method == .patch ? Self.merge : "application/json")
                    #expect((answer.code == 403) == !isAllowed, "\(method) \(path): \(answer.code) \(answer.text)")
                    #expect(!isAllowed || answer.code < 300, "\(method) \(path): \(answer.code) \(answer.text)")
                }
            }
        }
    }

    /// What stays allowed to every node alike.
    @Test(arguments: [
        "/api/v1/services", "/api/v1/services?watch=1&timeoutSeconds=1", "/apis/storage.k8s.io/v1/csidrivers",
        "/apis/node.k8s.io/v1/runtimeclasses", "/apis/plugins.apus.dev/v1alpha1/plugins",
        "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    ]) func everyNodeSees(_ path: String) async throws {
        try await TestServer.with { server in #expect(await Self.ask(server, .get, path).code == 200) }
    }

    @Test func theGraphIsAsNewAsTheObjects() async throws {
        try await TestServer.with { server in
            try await Self.fill(server)
            let secret = "\(Self.namespaced)/secrets/mounted-2"
            func code() async -> Int { await Self.ask(server, .get, secret).code }
            var pod = TestServer.pod("late")
            pod["spec"]["serviceAccountName"] = "account-1"
            pod["spec"]["volumes"] = [["name": "a", "secret": ["secretName": "mounted-2"]]]
            await server.ask(.post, "\(Self.namespaced)/pods", pod)
            #expect(await code() == 403, "a pod that is bound to no node leads nowhere")
            let binding: Value = ["metadata": ["name": "late"], "target": ["kind": "Node", "name": "n1"]]
            #expect(await server.ask(.post, "\(Self.namespaced)/pods/late/binding", binding).code == 201)
            #expect(await code() == 200)
            await server.ask(.delete, "\(Self.namespaced)/pods/late", ["gracePeriodSeconds": 0])
            #expect(await code() == 403)
        }
    }

    @Test func aMirrorPodLeadsToNothing() async throws {
        try await TestServer.with { server in
            try await Self.fill(server)
            var pod = TestServer.pod("mirror")
            pod["metadata"]["annotations"] = ["kubernetes.io/config.mirror": "hash"]
            pod["spec"]["nodeName"] = "n1"
            pod["spec"]["volumes"] = [["name": "a", "configMap": ["name": "shown-2"]]]
            #expect(await server.ask(.post, "\(Self.namespaced)/pods", pod).code == 201)
            #expect(await Self.ask(server, .get, "\(Self.namespaced)/pods/mirror").code == 200)
            #expect(await Self.ask(server, .get, "\(Self.namespaced)/configmaps/shown-2").code == 403)
        }
    }

    @Test func itSaysWhy() async throws {
        try await TestServer.with { server in
            try await Self.fill(server)
            let answer = await Self.ask(server, .get, "\(Self.namespaced)/secrets/mounted-2")
            #expect(
                answer.message
                    == "secrets \"mounted-2\" is forbidden: User \"system:node:n1\" cannot get resource \"secrets\" in API group \"\" in the namespace \"default\": no relationship found between node 'n1' and this object"
            )
            let rules = await Self.ask(
                server, .post, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", ["spec": ["namespace": "default"]])
            #expect(rules.json[path: "status", "incomplete"] == true)
            #expect(rules.json[path: "status", "evaluationError"] == "node authorizer does not support user rule resolution")
        }
    }

    /// What an earlier version gave to all nodes is taken from a cluster that has it.
    @Test func theBindingOfAllNodesGoes() async throws {
        try await TestServer.with { server in
            let path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
            await server.ask(
                .post, path,
                [
                    "metadata": ["name": "system:nodes"],
                    "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node"],
                    "subjects": [["kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:nodes"]],
                ])
            #expect(await Self.ask(server, .get, "/api/v1/secrets").code == 200)
            try await Bootstrap(registry: server.server.registry, configuration: server.server.configuration).run()
            #expect(await Self.ask(server, .get, "/api/v1/secrets").code == 403)
        }
    }
}
