import APIModel
import HTTPTypes
import OrderedCollections
import Testing

@testable import APIServer

/// The smaller members of the chain, and which of them are at work.
@Suite struct AdmissionMemberTests {
    private let namespace = "/api/v1/namespaces/default"
    private let merge = "application/merge-patch+json"

    private func with(enable: [String] = [], disable: [String] = [], _ body: (TestServer) async throws -> Void) async throws {
        let plugins = try AdmissionPlugins(enable: enable, disable: disable)
        try await TestServer.with {
            $0.admission = plugins
        } _: { server in
            await server.ask(.post, "\(namespace)/serviceaccounts", ["metadata": ["name": "default"]])
            try await body(server)
        }
    }

    @Test(
        arguments: [
            (["Nonsense"], [], "enable-admission-plugins plugin \"Nonsense\" is unknown"),
            ([], ["Nonsense"], "disable-admission-plugins plugin \"Nonsense\" is unknown"),
            (
                ["JobValidation"], [],
                "enable-admission-plugins plugin \"JobValidation\" belongs to the feature WorkloadWithJob, which is not supported"
            ),
            (["Priority"], ["Priority"], "Priority in enable-admission-plugins and disable-admission-plugins overlapped"),
        ] as [([String], [String], String)])
    func anUnknownPluginIsRefused(_ enable: [String], _ disable: [String], _ message: String) {
        let problem = #expect(throws: AdmissionPlugins.Problem.self) { try AdmissionPlugins(enable: enable, disable: disable) }
        #expect(problem?.description.hasPrefix(message) == true)
    }

    /// Each that upstream's `--help` lists can be told to be off, and those that are here to be on.
    @Test func upstreamsNamesAreKnown() throws {
        let here = Set(Admission.members(try AdmissionPlugins(enable: [], disable: []), webhooks: WebhookClient { _ in false }).map(\.name))
        let known = here.union(Admission.offByDefault).union(Admission.absent.keys)
        let upstream = """
            AlwaysAdmit, AlwaysDeny, AlwaysPullImages, CertificateApproval, CertificateSigning, CertificateSubjectRestriction, \
            ClusterTrustBundleAttest, DefaultIngressClass, DefaultStorageClass, DefaultTolerationSeconds, DenyServiceExternalIPs, \
            EventRateLimit, ExtendedResourceToleration, ImagePolicyWebhook, JobValidation, LimitPodHardAntiAffinityTopology, \
            LimitRanger, MutatingAdmissionPolicy, MutatingAdmissionWebhook, NamespaceAutoProvision, NamespaceExists, \
            NamespaceLifecycle, NodeDeclaredFeatureValidator, NodeRestriction, OwnerReferencesPermissionEnforcement, \
            PersistentVolumeClaimResize, PodGroupProtection, PodGroupWorkloadExists, PodNodeSelector, PodResizeValidator, \
            PodSecurity, PodTolerationRestriction, PodTopologyLabels, Priority, ResourceQuota, RuntimeClass, ServiceAccount, \
            StorageObjectInUseProtection, TaintNodesByCondition, ValidatingAdmissionPolicy, ValidatingAdmissionWebhook
            """.split(separator: ", ").map { String($0) }
        #expect(known.subtracting(upstream) == ["MutatingAdmissionPlugin", "ValidatingAdmissionPlugin"])
        _ = try AdmissionPlugins(enable: [], disable: upstream)
        let configured = ["EventRateLimit", "ImagePolicyWebhook"]
        _ = try AdmissionPlugins(enable: upstream.filter { Admission.absent[$0] == nil && !configured.contains($0) }, disable: [])
    }

    @Test func aPluginIsSwitchedOnAndOff() async throws {
        try await with(enable: ["AlwaysPullImages"], disable: ["DefaultTolerationSeconds"]) { server in
            var pod = TestServer.pod("p")
            pod["spec"]["containers"][0]["imagePullPolicy"] = "Never"
            let made = await server.ask(.post, "\(namespace)/pods", pod).json
            #expect(made["spec"]["containers"][0]["imagePullPolicy"] == "Always")
            #expect(made["spec"]["tolerations"].isEmpty)
        }
        try await with { server in
            var pod = TestServer.pod("p")
            pod["spec"]["containers"][0]["imagePullPolicy"] = "Never"
            let made = await server.ask(.post, "\(namespace)/pods", pod).json
            #expect(made["spec"]["containers"][0]["imagePullPolicy"] == "Never")
            #expect(made["spec"]["tolerations"].elements.count == 2)
        }
    }

    @Test func podsStayOnALostNodeForAsLongAsTheServerIsTold() async throws {
        var plugins = AdmissionPlugins()
        plugins.setTolerationSeconds(notReady: 20, unreachable: 30)
        let told = plugins
        try await TestServer.with {
            $0.admission = told
        } _: { server in
            await server.ask(.post, "\(namespace)/serviceaccounts", ["metadata": ["name": "default"]])
            let tolerations = await server.ask(.post, "\(namespace)/pods", TestServer.pod("p")).json["spec"]["tolerations"].elements
            #expect(tolerations.map { $0["tolerationSeconds"] } == [20, 30])
        }
    }

    @Test func membersThatAreOffUnlessAskedFor() async throws {
        var pod = TestServer.pod("p")
        let requests: Value = ["cpu": "1", "example.com/fpga": "1"]
        pod["spec"]["containers"][0]["resources"] = ["requests": requests, "limits": requests]
        var spread = TestServer.pod("s")
        let term: Value = ["topologyKey": "zone", "labelSelector": ["matchLabels": ["a": "b"]]]
        spread["spec"]["affinity"] = ["podAntiAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [term]]]
        let elsewhere = "/api/v1/namespaces/elsewhere/configmaps"
        try await with(enable: ["ExtendedResourceToleration", "LimitPodHardAntiAffinityTopology", "NamespaceAutoProvision"]) { server in
            let made = await server.ask(.post, "\(namespace)/pods", pod)
            let toleration: Value = ["key": "example.com/fpga", "operator": "Exists", "effect": "NoSchedule"]
            #expect(made.json["spec"]["tolerations"].elements.contains(toleration), "\(made.text)")
            let refused = await server.ask(.post, "\(namespace)/pods", spread)
            #expect(
                refused.message == "pods \"s\" is forbidden: affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone "
                    + "but only key kubernetes.io/hostname is allowed", "\(refused.message)")
            #expect(await server.ask(.post, "\(elsewhere)?dryRun=All", TestServer.configMap("m")).code == 404)
            #expect(await server.ask(.post, elsewhere, TestServer.configMap("m")).code == 201)
            #expect(await server.ask(.get, "/api/v1/namespaces/elsewhere").code == 200)
        }
        try await with { server in
            let made = await server.ask(.post, "\(namespace)/pods", pod)
            #expect(made.json["spec"]["tolerations"].elements.count == 2)
            #expect(await server.ask(.post, "\(namespace)/pods", spread).code == 201)
            #expect(await server.ask(.post, elsewhere, TestServer.configMap("m")).code == 404)
        }
        try await with(enable: ["NamespaceExists"], disable: ["NamespaceLifecycle"]) { server in
            let missed = await server.ask(.post, elsewhere, TestServer.configMap("m"))
            #expect(missed.code == 404 && missed.message == "namespaces \"elsewhere\" not found")
        }
    }

    @Test func aPodChangesAsItsNodeCanFollow() async throws {
        try await with { server in
            #expect(await server.ask(.post, "/api/v1/nodes", ["metadata": ["name": "n1"]]).code == 201)
            let small: Value = ["status": ["allocatable": ["cpu": "1", "memory": "1Gi", "pods": "10"]]]
            #expect(await server.ask(.patch, "/api/v1/nodes/n1/status", small, type: merge).code == 200)
            var pod = TestServer.pod("p")
            let some: Value = ["requests": ["cpu": "1"], "limits": ["cpu": "1"]]
            pod["spec"]["nodeName"] = "n1"
            pod["spec"]["containers"][0]["resources"] = some
            pod["spec"]["initContainers"] = [["name": "i", "image": "i:1", "resources": some]]
            #expect(await server.ask(.post, "\(namespace)/pods", pod).code == 201)
            let more: Value = ["requests": ["cpu": "2"], "limits": ["cpu": "2"]]
            func resize(_ list: String, _ name: String) async -> TestServer.Answer {
                let patch: Value = ["spec": [list: [["name": .string(name), "resources": more]]]]
                return await server.ask(
                    .patch, "\(namespace)/pods/p/resize", patch, type: "application/strategic-merge-patch+json")
            }
            let refused = await resize("initContainers", "i")
            #expect(
                refused.message == "pods \"p\" is forbidden: pod update requires features InPlacePodVerticalScalingInitContainers "
                    + "which are not available on node \"n1\"", "\(refused.message)")
            let scarce = await resize("containers", "c")
            #expect(
                scarce.message == "pods \"p\" is forbidden: node didn't have enough allocatable resources: cpu, requested: 2000, "
                    + "allocatable: 1000", "\(scarce.message)")
            #expect(scarce.json["details"]["causes"] == [["reason": "NodeCapacity"]])
            let roomy: Value = ["status": ["allocatable": ["cpu": "8", "memory": "1Gi", "pods": "10"]]]
            #expect(await server.ask(.patch, "/api/v1/nodes/n1/status", roomy, type: merge).code == 200)
            let elsewhere: Value = ["metadata": ["labels": ["kubernetes.io/os": "windows"]]]
            #expect(await server.ask(.patch, "/api/v1/nodes/n1", elsewhere, type: merge).code == 200)
            let foreign = await resize("containers", "c")
            #expect(
                foreign.message == "pods \"p\" is forbidden: pod resize is only supported on linux nodes, node \"n1\" is \"windows\"")
            #expect(foreign.json["details"]["causes"] == [["reason": "UnsupportedPlatform"]])
            let back: Value = ["metadata": ["labels": ["kubernetes.io/os": "linux"]]]
            #expect(await server.ask(.patch, "/api/v1/nodes/n1", back, type: merge).code == 200)
            #expect(await resize("containers", "c").code == 200, "every node can do that")
            let status: Value = ["status": ["declaredFeatures": ["InPlacePodVerticalScalingInitContainers"]]]
            #expect(await server.ask(.patch, "/api/v1/nodes/n1/status", status, type: merge).code == 200)
            let followed = await resize("initContainers", "i")
            #expect(!followed.message.contains("which are not available"), "\(followed.message)")
        }
    }

    @Test func anIngressGetsTheNewestDefaultClass() async throws {
        try await with { server in
            for name in ["b", "a"] {
                let ingressClass: Value = [
                    "metadata": ["name": .string(name), "annotations": ["ingressclass.kubernetes.io/is-default-class": "true"]],
                    "spec": ["controller": "example.com/c"],
                ]
                #expect(await server.ask(.post, "/apis/networking.k8s.io/v1/ingressclasses", ingressClass).code == 201)
            }
            let ingress: Value = [
                "metadata": ["name": "i"],
                "spec": ["defaultBackend": ["service": ["name": "s", "port": ["number": 80]]]],
            ]
            let made = await server.ask(.post, "/apis/networking.k8s.io/v1/namespaces/default/ingresses", ingress).json
            #expect(["a", "b"].contains(made["spec"]["ingressClassName"].string ?? ""))
        }
    }

    @Test func aClaimGrowsAsItsClassLets() async throws {
        try await with { server in
            let claims = "\(namespace)/persistentvolumeclaims"
            for (name, grows) in [("fixed", false), ("elastic", true)] {
                let storageClass: Value = ["metadata": ["name": .string(name)], "provisioner": "x", "allowVolumeExpansion": .bool(grows)]
                #expect(await server.ask(.post, "/apis/storage.k8s.io/v1/storageclasses", storageClass).code == 201)
                let claim: Value = [
                    "metadata": ["name": .string(name)],
                    "spec": [
                        "accessModes": ["ReadWriteOnce"], "storageClassName": .string(name), "resources": ["requests": ["storage": "1Gi"]],
                    ],
                ]
                #expect(await server.ask(.post, claims, claim).code == 201)
                let larger: Value = ["spec": ["resources": ["requests": ["storage": "2Gi"]]]]
                // Before it is bound a claim does not grow at all.
                #expect(await server.ask(.patch, "\(claims)/\(name)", larger, type: merge).code == 422)
                await server.ask(.patch, "\(claims)/\(name)/status", ["status": ["phase": "Bound"]], type: merge)
                #expect(await server.ask(.patch, "\(claims)/\(name)", larger, type: merge).code == (grows ? 200 : 403))
            }
        }
    }

    @Test func aNewNodeTakesNothingYet() async throws {
        try await with { server in
            let node = await server.ask(.post, "/api/v1/nodes", ["metadata": ["name": "n"]]).json
            #expect(node["spec"]["taints"] == [["key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"]])
        }
    }

    @Test func ownersAreNotHeldUpByWhoMayNotDeleteThem() async throws {
        try await with(enable: ["OwnerReferencesPermissionEnforcement"]) { server in
            let rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"
            let role: Value = [
                "metadata": ["name": "maps"], "rules": [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get"]]],
            ]
            let binding: Value = [
                "metadata": ["name": "maps"], "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "maps"],
                "subjects": [["kind": "User", "name": "bob", "apiGroup": "rbac.authorization.k8s.io"]],
            ]
            #expect(await server.ask(.post, "\(rbac)/roles", role).code == 201)
            #expect(await server.ask(.post, "\(rbac)/rolebindings", binding).code == 201)
            func map(blocks: Bool) -> Value {
                var map = TestServer.configMap("m-\(blocks)")
                map["metadata"]["ownerReferences"] = [
                    ["apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "blockOwnerDeletion": .bool(blocks)]
                ]
                return map
            }
            #expect(await server.ask(.post, "\(namespace)/configmaps", map(blocks: false), token: "bob-token").code == 201)
            let refused = await server.ask(.post, "\(namespace)/configmaps", map(blocks: true), token: "bob-token")
            #expect(refused.code == 403)
            #expect(refused.message.contains("cannot set blockOwnerDeletion if an ownerReference refers to a resource"))
            #expect(await server.ask(.post, "\(namespace)/configmaps", map(blocks: true)).code == 201)
        }
    }

    @Test func whatIsInUseIsProtected() async throws {
        try await with { server in
            let claim: Value = [
                "metadata": ["name": "c", "finalizers": ["example.com/own"]],
                "spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]],
            ]
            let volume: Value = [
                "metadata": ["name": "v"],
                "spec": ["accessModes": ["ReadWriteOnce"], "capacity": ["storage": "1Gi"], "hostPath": ["path": "/tmp/v"]],
            ]
            let made = await server.ask(.post, "\(namespace)/persistentvolumeclaims", claim).json
            #expect(made["metadata"]["finalizers"] == ["example.com/own", "kubernetes.io/pvc-protection"])
            let volumeMade = await server.ask(.post, "/api/v1/persistentvolumes", volume).json
            #expect(volumeMade["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"])
        }
    }

    @Test func aPodGetsThePlaceOfItsNode() async throws {
        try await with { server in
            let place: Value = ["topology.kubernetes.io/zone": "z1", "topology.kubernetes.io/region": "r1", "example.com/rack": "7"]
            await server.ask(.post, "/api/v1/nodes", ["metadata": ["name": "n", "labels": place]])
            var pod = TestServer.pod("bound")
            pod["metadata"]["labels"] = ["topology.kubernetes.io/zone": "mine"]
            await server.ask(.post, "\(namespace)/pods", pod)
            let binding: Value = ["metadata": ["name": "bound"], "target": ["kind": "Node", "name": "n"]]
            #expect(await server.ask(.post, "\(namespace)/pods/bound/binding", binding).code == 201)
            pod["metadata"]["name"] = "placed"
            pod["spec"]["nodeName"] = "n"
            await server.ask(.post, "\(namespace)/pods", pod)
            for name in ["bound", "placed"] {
                let labels = await server.ask(.get, "\(namespace)/pods/\(name)").json["metadata"]["labels"]
                #expect(labels == ["topology.kubernetes.io/zone": "z1", "topology.kubernetes.io/region": "r1"], "\(name): \(labels)")
            }
        }
    }
}
