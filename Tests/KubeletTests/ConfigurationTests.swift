import APIModel
import Testing

@testable import Kubelet

/// What containers and sandboxes are configured with.
@Suite struct ConfigurationTests {
    @Test(arguments: [
        ("plain", "plain"), ("$(A)", "1"), ("x$(A)y$(B)", "x1y2"), ("$(C)", "$(C)"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$(A", "$(A"),
        ("$", "$"), ("a$b", "a$b"),
        ("$()", "$()"),
    ]) func expands(_ input: String, _ expected: String) throws {
        let values = ["A": "1", "B": "2"]
        let expanded = try Expansion.expand(input) { values[$0] }
        #expect(expanded == expected)
    }

    @Test func whatExpandsWithoutEndIsRefused() async throws {
        // Each has the one before it twice: two to the power of forty letters.
        let doubling = (1...40).map { ["name": .string("V\($0)"), "value": .string("$(V\($0 - 1))$(V\($0 - 1))")] as Value }
        let pod = pod(["containers": [["name": "c", "image": "c", "env": .array([["name": "V0", "value": "x"]] + doubling)]]])
        let environment = Environment(
            pod: pod, references: PodReferences(client: FakeClient(), namespace: "default"),
            fields: FieldReference(pod: pod, nodeName: "", hostIPs: [], podIPs: [], allocatable: [:]), services: [])
        await #expect(throws: ConfigurationError.self) { try await environment.variables(of: pod.containers[0]) }
        #expect(throws: ConfigurationError.self) {
            try Expansion.expand(String(repeating: "$(A)", count: 1_000)) { _ in String(repeating: "x", count: 10_000) }
        }
    }

    @Test(.timeLimit(.minutes(1))) func whatIsNeverClosedTakesNoLonger() throws {
        let text = String(repeating: "$(", count: 500_000)
        let expanded = try Expansion.expand(text) { _ in nil }
        #expect(expanded == text)
    }

    @Test func environment() async throws {
        let client = FakeClient()
        client.put(.configMaps, ["metadata": ["name": "c", "namespace": "default"], "data": ["k": "from-map", "z": "26"]])
        client.put(
            .secrets, ["metadata": ["name": "s", "namespace": "default"], "data": ["p": .string(Base64.encode(Array("secret".utf8)))]])
        let pod = pod(
            [
                "containers": [
                    [
                        "name": "web", "image": "web:1",
                        "envFrom": [["prefix": "M_", "configMapRef": ["name": "c"]], ["secretRef": ["name": "none", "optional": true]]],
                        "env": [
                            ["name": "A", "value": "a"], ["name": "B", "value": "$(A)$(KUBERNETES_SERVICE_HOST)"],
                            ["name": "C", "valueFrom": ["secretKeyRef": ["name": "s", "key": "p"]]],
                            ["name": "D", "valueFrom": ["fieldRef": ["fieldPath": "metadata.labels['app']"]]],
                            ["name": "E", "valueFrom": ["resourceFieldRef": ["resource": "limits.cpu", "divisor": "1m"]]],
                            ["name": "F", "valueFrom": ["configMapKeyRef": ["name": "c", "key": "none", "optional": true]]],
                            ["name": "G", "valueFrom": ["fieldRef": ["fieldPath": "status.podIP"]]],
                        ], "resources": ["limits": ["cpu": "1500m"]],
                    ]
                ]
            ], metadata: ["labels": ["app": "shop"]])
        let fields = FieldReference(pod: pod, nodeName: "node", hostIPs: [], podIPs: ["10.1.0.9"], allocatable: [:])
        let services: Value = [
            "metadata": ["name": "kubernetes"],
            "spec": ["clusterIP": "10.96.0.1", "ports": [["name": "https", "port": 443, "protocol": "TCP"]]],
        ]
        let environment = Environment(
            pod: pod, references: PodReferences(client: client, namespace: "default"), fields: fields,
            services: ServiceEnvironment.variables(
                namespace: "default", enableServiceLinks: true, services: [services], apiService: services))
        let variables = try await environment.variables(of: pod.containers[0])
        #expect(
            variables.map { "\($0.name)=\($0.value)" } == [
                "M_k=from-map", "M_z=26", "A=a", "B=a10.96.0.1", "C=secret", "D=shop", "E=1500", "G=10.1.0.9",
                "KUBERNETES_SERVICE_HOST=10.96.0.1", "KUBERNETES_SERVICE_PORT=443",
                "KUBERNETES_SERVICE_PORT_HTTPS=443", "KUBERNETES_PORT=tcp://10.96.0.1:443", "KUBERNETES_PORT_443_TCP=tcp://10.96.0.1:443",
                "KUBERNETES_PORT_443_TCP_PROTO=tcp",
                "KUBERNETES_PORT_443_TCP_PORT=443", "KUBERNETES_PORT_443_TCP_ADDR=10.96.0.1",
            ])
    }

    @Test(arguments: [
        ("secretKeyRef", "secret \"gone\" not found"), ("configMapKeyRef", "configmap \"gone\" not found"),
    ]) func missingReferences(_ kind: String, _ message: String) async throws {
        let source = [kind: ["name": "gone", "key": "k"]] as Value
        let pod = pod(["containers": [["name": "web", "env": [["name": "A", "valueFrom": source]]]]])
        let environment = Environment(
            pod: pod, references: PodReferences(client: FakeClient(), namespace: "default"),
            fields: FieldReference(pod: pod, nodeName: "", hostIPs: [], podIPs: [], allocatable: [:]), services: [])
        let error = await #expect(throws: ConfigurationError.self) { try await environment.variables(of: pod.containers[0]) }
        #expect(error?.message == message)
    }

    /// What is in a pod's `resolv.conf`, by its policy and its own settings.
    @Test(
        arguments: [
            (
                [:], ["10.96.0.10"], ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org", "corp"],
                ["ndots:5"]
            ),
            (["hostNetwork": true], ["1.1.1.1", "1.1.1.2"], ["example.org", "corp"], ["timeout:1", "ndots:2"]),
            (
                ["hostNetwork": true, "dnsPolicy": "ClusterFirstWithHostNet"], ["10.96.0.10"],
                ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org", "corp"], ["ndots:5"]
            ),
            (["dnsPolicy": "Default"], ["1.1.1.1", "1.1.1.2"], ["example.org", "corp"], ["timeout:1", "ndots:2"]),
            (
                [
                    "dnsPolicy": "None",
                    "dnsConfig": [
                        "nameservers": ["9.9.9.9"], "searches": ["a", "b", "a"],
                        "options": [["name": "ndots", "value": "3"], ["name": "edns0"]],
                    ],
                ], ["9.9.9.9"], ["a", "b"], ["ndots:3", "edns0"]
            ),
            (
                [
                    "dnsConfig": [
                        "nameservers": ["10.96.0.10", "9.9.9.9"], "searches": ["corp", "a"], "options": [["name": "ndots", "value": "2"]],
                    ]
                ], ["10.96.0.10", "9.9.9.9"],
                ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.org", "corp", "a"], ["ndots:2"]
            ),
        ] as [(Value, [String], [String], [String])])
    func resolvConf(_ spec: Value, _ servers: [String], _ searches: [String], _ options: [String]) {
        let host = ResolvConf(
            parsing: """
                # nameserver 8.8.8.8
                nameserver 1.1.1.1
                nameserver 1.1.1.2 rest
                nameserver
                search gone.example.org
                search example.org. corp .
                options timeout:3
                options timeout:1 ndots:2

                """)
        let result = ResolvConf.configuration(for: pod(spec), host: host, clusterServers: ["10.96.0.10"], clusterDomain: "cluster.local")
        #expect(
            result == ResolvConf.ForPod(configuration: ResolvConf(servers: servers, searches: searches, options: options)))
    }

    @Test func resolversTakeSoManyServersAndSearchPaths() {
        let many = (0..<40).map { "d\($0)" }
        let long = String(repeating: "x", count: 254)
        let config: Value = [
            "nameservers": Value((1...4).map { "10.0.0.\($0)" }), "searches": Value([long] + many),
        ]
        let result = ResolvConf.configuration(
            for: pod(["dnsPolicy": "None", "dnsConfig": config]), host: ResolvConf(), clusterServers: [], clusterDomain: "c")
        #expect(result.configuration.servers == ["10.0.0.1", "10.0.0.2", "10.0.0.3"])
        #expect(result.configuration.searches == Array(many.prefix(31)))
        let searches = many.prefix(31).joined(separator: " ")
        #expect(
            result.cuts == [
                "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 10.0.0.1 10.0.0.2 10.0.0.3",
                "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: \(searches)",
            ])
        // The line as a whole is too long.
        let wide = (0..<10).map { "\($0)" + String(repeating: "y", count: 240) }
        let line = ResolvConf.configuration(
            for: pod(["dnsPolicy": "None", "dnsConfig": ["searches": Value(wide)]]), host: ResolvConf(), clusterServers: [],
            clusterDomain: "c")
        #expect(line.configuration.searches == Array(wide.prefix(8)))
    }

    /// `resolvConf: ""`
    @Test func whoeverHasNoResolverAsksItself() {
        let none = ResolvConf.none(for: ["fd00::1", "192.0.2.1"])
        func result(_ policy: String) -> ResolvConf {
            ResolvConf.configuration(
                for: pod(["dnsPolicy": .string(policy)]), host: ResolvConf(), own: none, clusterServers: ["10.96.0.10"], clusterDomain: "c"
            ).configuration
        }
        #expect(result("Default") == ResolvConf(servers: ["::1", "127.0.0.1"], searches: ["."]))
        #expect(result("ClusterFirst").searches == ["default.svc.c", "svc.c", "c"])
        #expect(result("None") == ResolvConf())
        #expect(ResolvConf.none(for: []).servers == ["127.0.0.1"])
    }

    @Test func withoutAServerOfTheClusterTheNodesAreNamed() {
        let host = ResolvConf(servers: ["1.1.1.1"])
        let result = ResolvConf.configuration(for: pod(), host: host, clusterServers: [], clusterDomain: "c")
        #expect(result == ResolvConf.ForPod(configuration: host, isClusterMissing: true))
    }

    @Test func hostsFile() {
        let text = HostsFile.content(
            for: pod(["hostAliases": [["ip": "1.2.3.4", "hostnames": ["a", "b"]]]]), ips: ["10.1.0.1"], hostname: "web", domain: "",
            nodeHosts: nil)
        #expect(text.hasPrefix("# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n"))
        #expect(text.hasSuffix("10.1.0.1\tweb\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"))
    }

    @Test func resources() {
        let burstable: Value = [
            "name": "web", "resources": ["requests": ["cpu": "250m", "memory": "64Mi"], "limits": ["cpu": "500m", "memory": "128Mi"]],
        ]
        let linux = ContainerResources.linux(of: burstable, in: pod(["containers": [burstable]]), memoryCapacity: 4 << 30)
        #expect(
            linux == [
                "cpu_shares": 256, "oom_score_adj": 985, "cpu_period": 100_000, "cpu_quota": 50_000, "memory_limit_in_bytes": 134_217_728,
            ])
        let none: Value = ["name": "web"]
        #expect(
            ContainerResources.linux(of: none, in: pod(["containers": [none]]), memoryCapacity: 1) == [
                "cpu_shares": 2, "oom_score_adj": 1000,
            ])
        let guaranteed: Value = [
            "name": "web", "resources": ["requests": ["cpu": "1", "memory": "1Gi"], "limits": ["cpu": "1", "memory": "1Gi"]],
        ]
        #expect(QualityOfService(of: pod(["containers": [guaranteed]])) == .guaranteed)
        #expect(PodCgroup.path(of: pod(["containers": [guaranteed]]), below: "") == "/kubepods/poduid-web")
        #expect(PodCgroup.path(of: pod(), below: "/apus2") == "/apus2/kubepods/besteffort/poduid-web")
    }

    @Test(
        arguments: [
            ("system-node-critical", 2_000_001_000, -997), ("system-cluster-critical", 2_000_000_000, 1000),
            ("system-node-critical", 0, 1000),
        ] as [(String, Whole, Whole)]) func whoGoesFirst(_ name: String, _ priority: Whole, _ score: Whole)
    {
        let spec: Value = ["priorityClassName": .string(name), "priority": .int(priority)]
        let pod = pod(spec)
        #expect(ContainerResources.oomScore(of: pod.containers[0], in: pod, class: .bestEffort, memoryCapacity: 1 << 30) == score)
    }

    /// The API takes any number.
    @Test func resourcesBeyondAllMachines() {
        let amounts: Value = ["cpu": "9e18", "memory": "9E"]
        let huge: Value = ["name": "web", "resources": ["requests": amounts, "limits": amounts]]
        let other: Value = ["name": "other", "resources": ["requests": ["cpu": "1", "memory": "8E"], "limits": amounts]]
        let both = pod(["containers": [huge, other]])
        let linux = ContainerResources.linux(of: huge, in: both, memoryCapacity: 4 << 30)
        #expect(linux["cpu_shares"] == 262_144 && linux["oom_score_adj"] == 3)
        #expect(QualityOfService(of: both) == .burstable)
        // Its group does not exist: nothing is written.
        PodCgroup.apply(both, below: "")
    }

    @Test func runAsNonRoot() {
        let strict: Value = ["name": "web", "securityContext": ["runAsNonRoot": true]]
        #expect(
            SecurityContext.nonRootViolation(of: strict, in: pod(), image: ["username": "app"])?.hasPrefix(
                "container has runAsNonRoot and image has non-numeric user (app)")
                == true)
        #expect(
            SecurityContext.nonRootViolation(of: strict, in: pod(), image: ["id": "x"])?.hasPrefix(
                "container has runAsNonRoot and image will run as root") == true)
        #expect(SecurityContext.nonRootViolation(of: strict, in: pod(["securityContext": ["runAsUser": 7]]), image: ["id": "x"]) == nil)
    }

    @Test(arguments: [
        ("web", "docker.io", "library/web"), ("team/web:1.2", "docker.io", "team/web"), ("localhost:5000/web", "localhost:5000", "web"),
        ("r.example/a/b__c:t", "r.example", "a/b__c"),
    ]) func imageReferences(_ text: String, _ domain: String, _ repository: String) {
        let reference = ImageReference(text)
        #expect(reference?.domain == domain)
        #expect(reference?.repository == repository)
    }

    @Test(
        arguments: [
            ("web", "web"), ("web:1", "web"), ("localhost:5000/web", "localhost:5000/web"),
            ("localhost:5000/web:1@sha256:38a8906435c4dd5f4258899d46621bfd8eea3ad6ff494ee3c2f17ef0321625bd", "localhost:5000/web"),
            ("Web", nil),
        ] as [(String, String?)]) func imageNames(_ text: String, _ name: String?)
    { #expect(ImageReference.name(of: text) == name) }

    @Test(arguments: ["", "Web", "web:", "web:a b", "web@sha256:12", "/web", "web//a", "-web"]) func badImageReferences(_ text: String) {
        #expect(ImageReference(text) == nil)
    }

    @Test func pullSecrets() throws {
        let config =
            #"{"auths":{"https://r.example/v1/":{"auth":"dTpw"},"*.corp.example/team":{"username":"x","password":"y"},"index.docker.io":{"username":"hub","password":"z"}}}"#
        let secrets = PullSecrets([
            ["type": "kubernetes.io/dockerconfigjson", "data": [".dockerconfigjson": .string(Base64.encode(Array(config.utf8)))]]
        ])
        func first(_ image: String) throws -> Value { secrets.candidates(for: try #require(ImageReference(image)))[0].auth }
        #expect(try first("r.example/web") == ["username": "u", "password": "p"])
        #expect(try first("a.corp.example/team/web")["username"].string == "x")
        #expect(try first("a.corp.example/other/web").isNull)
        #expect(try first("web")["username"].string == "hub")
        // What it is counts, and not what is in it.
        let others = PullSecrets([["type": "Opaque", "data": [".dockerconfigjson": .string(Base64.encode(Array(config.utf8)))]]])
        #expect(others.candidates(for: try #require(ImageReference("web")))[0].auth.isNull)
    }

    @Test func fieldPaths() throws {
        let reference = FieldReference(
            pod: pod(metadata: ["labels": ["b": "2\"", "a": "1"]]), nodeName: "node", hostIPs: ["h"], podIPs: [],
            allocatable: ["memory": 5000])
        #expect(try reference.field("metadata.labels") == "a=\"1\"\nb=\"2\\\"\"")
        #expect(try reference.field("spec.nodeName") == "node")
        #expect(try reference.resource(["resource": "limits.memory"], container: .null) == "5")
        #expect(throws: FieldReference.Unsupported.self) { try reference.field("spec.foo") }
    }
}
