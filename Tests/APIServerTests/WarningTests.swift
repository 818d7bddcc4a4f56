import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// What clients are told of objects that may be written.
@Suite struct WarningTests {
    struct Row: Sendable {
        var collection: String
        var object: Value
        var old: Value?
        var subresource = ""
        var warnings: [String]

        init(_ collection: String, _ object: Value, old: Value? = nil, at subresource: String = "", _ warnings: [String]) {
            (self.collection, self.object, self.old, self.subresource, self.warnings) = (collection, object, old, subresource, warnings)
        }
    }

    @Test(arguments: pods + templates + network + others)
    func table(row: Row) {
        let found = ObjectWarnings.of(row.object, old: row.old, collection: row.collection, subresource: row.subresource)
        #expect(found == row.warnings, "\(row.collection)")
    }

    private static func pod(_ spec: Value, annotations: Value = .null) -> Value {
        ["metadata": ["name": "p", "annotations": annotations], "spec": spec]
    }

    private static func container(_ fields: Value) -> Value { pod(["containers": [fields]]) }

    private static let pods: [Row] = [
        Row("/pods", container(["name": "c"]), []),
        Row("/pods", pod(["nodeSelector": ["beta.kubernetes.io/os": "linux"]]), old: pod([:]), []),
        Row(
            "/pods", ["metadata": ["name": "a.b"]],
            [
                "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
            ]),
        Row(
            "/pods", pod(["nodeSelector": ["beta.kubernetes.io/os": "linux", "kubernetes.io/os": "linux"]]),
            ["spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead"]),
        Row(
            "/pods",
            pod([
                "affinity": [
                    "nodeAffinity": [
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            "nodeSelectorTerms": [["matchExpressions": [["key": "node-role.kubernetes.io/master", "operator": "Exists"]]]]
                        ],
                        "preferredDuringSchedulingIgnoredDuringExecution": [
                            ["weight": 1, "preference": ["matchExpressions": [["key": "a", "operator": "In", "values": ["-"]]]]]
                        ],
                    ],
                    "podAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": [["topologyKey": "a"]]],
                    "podAntiAffinity": [
                        "preferredDuringSchedulingIgnoredDuringExecution": [["weight": 1, "podAffinityTerm": ["topologyKey": "a"]]]
                    ],
                ]
            ]),
            [
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: node-role.kubernetes.io/master is use \"node-role.kubernetes.io/control-plane\" instead",
                "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].values[0]: - is invalid, a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod",
                "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: a null labelSelector results in matching no pod",
            ]),
        Row(
            "/pods", pod(["topologySpreadConstraints": [["topologyKey": "failure-domain.beta.kubernetes.io/zone"]]]),
            [
                "spec.topologySpreadConstraints[0].topologyKey: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
                "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
            ]),
        Row(
            "/pods",
            pod(
                [:],
                annotations: ["scheduler.alpha.kubernetes.io/critical-pod": "", "seccomp.security.alpha.kubernetes.io/pod": "unconfined"]),
            [
                "metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the \"priorityClassName\" field instead",
                "metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the \"seccompProfile\" field instead",
            ]),
        Row(
            "/pods",
            pod([
                "volumes": [
                    ["name": "a", "glusterfs": ["path": "x"]], ["name": "b", "storageos": .emptyObject],
                    ["name": "g", "gitRepo": .emptyObject],
                    [
                        "name": "e",
                        "ephemeral": ["volumeClaimTemplate": ["spec": ["resources": ["requests": ["storage": "1500m"]]]]],
                    ],
                ]
            ]),
            [
                "spec.volumes[0].glusterfs: deprecated in v1.25, non-functional in v1.26+",
                "spec.volumes[1].storageOS: deprecated in v1.22, non-functional in v1.25+",
                "spec.volumes[2].gitRepo: deprecated in v1.11, and disabled by default in v1.33+",
                "spec.volumes[3].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer",
            ]),
        Row(
            "/pods",
            pod([
                "volumes": [
                    ["name": "m", "configMap": ["name": "c", "items": [["key": "a", "path": "x/"], ["key": "b", "path": "x/y"]]]],
                    ["name": "s", "secret": ["secretName": "t", "items": [["key": "a", "path": "xy"], ["key": "b", "path": "x"]]]],
                    [
                        "name": "p",
                        "projected": [
                            "sources": [
                                .emptyObject, ["serviceAccountToken": ["path": "t"]],
                                ["secret": ["name": "s", "items": [["key": "k", "path": "t"]]]],
                                ["clusterTrustBundle": ["signerName": "x/y", "path": "t/b"]], ["podCertificate": ["keyPath": "t"]],
                            ]
                        ],
                    ],
                ]
            ]),
            [
                "volume \"m\" (ConfigMap \"c\"): overlapping paths: \"x/y\" with \"x\"",
                "volume \"p\" (Projected) has no sources provided",
                "volume \"p\" (Projected): overlapping paths: \"t\" (Secret \"s\") with \"t\" (ServiceAccountToken)",
                "volume \"p\" (Projected): overlapping paths: \"t/b\" (ClusterTrustBundle \"x/y\") with \"t\" (ServiceAccountToken)",
                "volume \"p\" (Projected): overlapping paths: \"t/b\" (ClusterTrustBundle \"x/y\") with \"t\" (Secret \"s\")",
                "volume \"p\" (Projected): overlapping paths: \"t\" (PodCertificate key) with \"t\" (ServiceAccountToken)",
                "volume \"p\" (Projected): overlapping paths: \"t\" (PodCertificate key) with \"t\" (Secret \"s\")",
                "volume \"p\" (Projected): overlapping paths: \"t\" (PodCertificate key) with \"t/b\" (ClusterTrustBundle \"x/y\")",
            ]),
        Row(
            "/pods",
            pod([
                "hostAliases": [["ip": "1::02"], ["ip": "1::02"]], "imagePullSecrets": [["name": "a"], ["name": "a"], .emptyObject],
                "overhead": ["memory": "1m"], "terminationGracePeriodSeconds": -1, "dnsConfig": ["nameservers": ["::ffff:1.2.3.4"]],
            ]),
            [
                "spec.hostAliases[1].ip: duplicate ip \"1::02\"", "spec.imagePullSecrets[1].name: duplicate name \"a\"",
                "spec.imagePullSecrets[2].name: invalid empty name \"\"",
                "spec.overhead[memory]: fractional byte value \"1m\" is invalid, must be an integer",
                "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
                "spec.dnsConfig.nameservers[0]: non-standard IP address \"::ffff:1.2.3.4\" is invalid: use \"1.2.3.4\"",
                "spec.hostAliases[0].ip: IPv6 address \"1::02\" should be in RFC 5952 canonical format (\"1::2\")",
                "spec.hostAliases[1].ip: IPv6 address \"1::02\" should be in RFC 5952 canonical format (\"1::2\")",
            ]),
        Row(
            "/pods",
            container([
                "name": "c", "resources": ["limits": ["memory": "100m", "cpu": "100m"], "requests": ["ephemeral-storage": "0.5"]],
                "env": [
                    ["name": "A", "value": "1"], ["name": "A", "value": "$(A)2"], ["name": "A", "value": "$(A)"],
                    ["name": "A", "value": "3"],
                    ["name": "A", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]],
                ],
            ]),
            [
                "spec.containers[0].resources.limits[memory]: fractional byte value \"100m\" is invalid, must be an integer",
                "spec.containers[0].resources.requests[ephemeral-storage]: fractional byte value \"500m\" is invalid, must be an integer",
                "spec.containers[0].env[2]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.containers[0].env[3]: hides previous definition of \"A\", which may be dropped when using apply",
                "spec.containers[0].env[4]: hides previous definition of \"A\", which may be dropped when using apply",
            ]),
        Row(
            "/pods",
            pod([
                "containers": [
                    [
                        "ports": [
                            ["name": "http", "containerPort": 80, "protocol": "TCP", "hostIP": "1.2.3.4"],
                            ["containerPort": 80, "protocol": "UDP"], ["containerPort": 80, "protocol": "TCP", "hostPort": 1],
                        ]
                    ],
                    [
                        "ports": [
                            ["name": "http", "containerPort": 80, "protocol": "TCP", "hostPort": 1, "hostIP": "1.1.1.1"],
                            ["containerPort": 80, "protocol": "UDP"],
                        ]
                    ],
                ]
            ]),
            [
                "spec.containers[0].ports[0]: hostIP set without hostPort: {Name:http HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.2.3.4}",
                "spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[0]",
                "spec.containers[1].ports[0]: overlapping port definition with spec.containers[0].ports[0]",
                "spec.containers[1].ports[0]: dangerously ambiguous port definition with spec.containers[0].ports[2]",
                "spec.containers[1].ports[1]: duplicate port definition with spec.containers[0].ports[1]",
                "spec.containers[1].ports[0]: duplicate port name \"http\" with spec.containers[0].ports[0], services and probes that select ports by name will use spec.containers[0].ports[0]",
            ]),
        Row(
            "/pods", ["status": ["podIPs": [["ip": "1::2"], ["ip": "1::0:2"]], "hostIPs": [["ip": "01.2.3.4"]]]], old: [:], at: "status",
            [
                "status.podIPs[1].ip: IPv6 address \"1::0:2\" should be in RFC 5952 canonical format (\"1::2\")",
                "status.hostIPs[0].ip: non-standard IP address \"01.2.3.4\" is invalid: use \"1.2.3.4\"",
            ]),
    ]

    private static let badTemplate: Value = [
        "metadata": ["annotations": ["container.apparmor.security.beta.kubernetes.io/c": "runtime/default"]],
        "spec": ["containers": [["name": "c"]], "nodeSelector": ["beta.kubernetes.io/arch": "x"]],
    ]
    private static let arch = "deprecated since v1.14; use \"kubernetes.io/arch\" instead"

    private static func told(_ path: String) -> [String] {
        [
            "\(path).spec.nodeSelector[beta.kubernetes.io/arch]: \(arch)",
            "\(path).metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the \"appArmorProfile\" field instead",
        ]
    }

    private static func workload(_ spec: Value, generation: Value = 1, name: Value = "w") -> Value {
        ["metadata": ["name": name, "generation": generation], "spec": spec]
    }

    private static let templates: [Row] = [
        Row(
            "apps/deployments", workload(["template": badTemplate], name: "a.b"),
            [
                "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"
            ] + told("spec.template")),
        Row("apps/deployments", workload(["template": badTemplate]), old: workload(["template": badTemplate]), []),
        Row(
            "apps/replicasets", workload(["template": badTemplate], generation: 2), old: workload(["template": .emptyObject]),
            told("spec.template")),
        Row("/podtemplates", ["template": badTemplate], told("template")),
        Row("/replicationcontrollers", workload(["template": badTemplate]), told("spec.template")),
        Row("apps/daemonsets", workload(["template": badTemplate]), told("spec.template")),
        Row(
            "apps/statefulsets",
            workload([
                "revisionHistoryLimit": -1, "template": .emptyObject,
                "volumeClaimTemplates": [["spec": ["resources": ["limits": ["storage": "1m"]]]]],
            ]),
            [
                "spec.volumeClaimTemplates[0].resources.limits[storage]: fractional byte value \"1m\" is invalid, must be an integer",
                "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended",
            ]),
        Row(
            "batch/jobs",
            workload(["completionMode": "Indexed", "completions": 100_001, "parallelism": 10_001, "template": badTemplate]),
            [
                "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
            ] + told("spec.template")),
        Row(
            "batch/cronjobs",
            workload(["schedule": "TZ=UTC * * * * *", "jobTemplate": ["spec": ["template": badTemplate]]], generation: 2),
            old: workload([:]),
            told("spec.jobTemplate.spec.template") + [
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            ]),
    ]

    private static let network: [Row] = [
        Row(
            "/services",
            [
                "metadata": ["annotations": ["service.kubernetes.io/topology-aware-hints": "auto"]],
                "spec": [
                    "type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"], "loadBalancerIP": "1.2.3.4",
                    "externalIPs": ["1.2.3.4"],
                    "sessionAffinity": "ClientIP", "externalName": "x", "trafficDistribution": "PreferClose",
                ],
            ],
            [
                "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead",
                "spec.loadBalancerIP is ignored for headless services", "spec.externalIPs is ignored for headless services",
                "spec.SessionAffinity is ignored for headless services",
                "spec.externalName is ignored when spec.type is not \"ExternalName\"",
                "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"",
            ]),
        Row(
            "/services",
            [
                "spec": [
                    "type": "LoadBalancer", "clusterIPs": ["FD00::1"], "externalIPs": ["1.2.3.4"],
                    "loadBalancerSourceRanges": ["10.1.2.3/8"],
                ]
            ],
            [
                "spec.clusterIPs[0]: IPv6 address \"FD00::1\" should be in RFC 5952 canonical format (\"fd00::1\")",
                "spec.externalIPs is deprecated and may no longer be implemented in some clusters",
                "spec.loadBalancerSourceRanges[0]: CIDR value \"10.1.2.3/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.1.2.3/32\"?)",
            ]),
        Row(
            "/services", ["spec": ["type": "ExternalName", "externalName": "x", "externalIPs": ["1.2.3.4"]]],
            ["spec.externalIPs is ignored when spec.type is \"ExternalName\""]),
        Row(
            "/services", ["status": ["loadBalancer": ["ingress": [["ip": "1::00"]]]]], old: [:], at: "status",
            ["status.loadBalancer.ingress[0]: IPv6 address \"1::00\" should be in RFC 5952 canonical format (\"1::\")"]),
        Row(
            "/endpoints", ["subsets": [["addresses": [["ip": "1.2.3.4"]], "notReadyAddresses": [["ip": "01.2.3.4"]]]]],
            ["subsets[0].notReadyAddresses[0].ip: non-standard IP address \"01.2.3.4\" is invalid: use \"1.2.3.4\""]),
        Row(
            "discovery.k8s.io/endpointslices", ["addressType": "FQDN", "endpoints": [["addresses": ["a.example"]]]],
            ["spec.addressType: FQDN endpoints are deprecated"]),
        Row(
            "discovery.k8s.io/endpointslices", ["addressType": "IPv6", "endpoints": [["addresses": ["A::1"]]]], old: [:],
            ["endpoints[0].addresses[0]: IPv6 address \"A::1\" should be in RFC 5952 canonical format (\"a::1\")"]),
        Row(
            "discovery.k8s.io/endpointslices",
            [
                "metadata": ["labels": ["endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"]],
                "endpoints": [["addresses": ["A::1"]]],
            ], []),
        Row(
            "networking.k8s.io/networkpolicies",
            [
                "spec": [
                    "ingress": [["from": [["ipBlock": ["cidr": "010.0.0.0/8", "except": ["10.0.0.0/08"]]]]]],
                    "egress": [
                        [
                            "to": [
                                ["podSelector": .emptyObject], ["ipBlock": ["cidr": "FD00::/8"]],
                                ["ipBlock": ["cidr": "::ffff:10.0.0.0/104"]],
                            ]
                        ]
                    ],
                ]
            ],
            [
                "spec.ingress[0].from[0].ipBlock.cidr: non-standard CIDR value \"010.0.0.0/8\" is invalid: use \"10.0.0.0/8\"",
                "spec.ingress[0].from[0].ipBlock.except[0]: non-standard CIDR value \"10.0.0.0/08\" is invalid: use \"10.0.0.0/8\"",
                "spec.egress[0].to[1].ipBlock.cidr: IPv6 CIDR value \"FD00::/8\" should be in RFC 5952 canonical format (\"fd00::/8\")",
                "spec.egress[0].to[2].ipBlock.cidr: non-standard CIDR value \"::ffff:10.0.0.0/104\" is invalid: use \"10.0.0.0/8\"",
            ]),
        Row(
            "networking.k8s.io/ingresses", ["metadata": ["annotations": ["kubernetes.io/ingress.class": "x"]]],
            ["annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"]),
        Row("networking.k8s.io/ingresses", ["metadata": ["annotations": ["kubernetes.io/ingress.class": "x"]]], old: [:], []),
    ]

    private static let others: [Row] = [
        Row(
            "/nodes", ["spec": ["externalID": "x", "configSource": .emptyObject, "podCIDRs": ["10.1.2.3/8"]]],
            [
                "spec.configSource: the feature is removed", "spec.externalID: this field is deprecated, and is unused by Kubernetes",
                "spec.podCIDRs[0]: CIDR value \"10.1.2.3/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.1.2.3/32\"?)",
            ]),
        Row(
            "node.k8s.io/runtimeclasses", ["scheduling": ["nodeSelector": ["beta.kubernetes.io/arch": "x"]]],
            ["scheduling.nodeSelector: \(arch)"]),
        Row(
            "/persistentvolumes",
            [
                "metadata": [
                    "annotations": ["volume.beta.kubernetes.io/mount-options": "a", "volume.beta.kubernetes.io/storage-class": "b"]
                ],
                "spec": [
                    "persistentVolumeReclaimPolicy": "Recycle", "rbd": .emptyObject, "quobyte": .emptyObject,
                    "nodeAffinity": [
                        "required": [
                            "nodeSelectorTerms": [["matchExpressions": [["key": "beta.kubernetes.io/arch", "operator": "Exists"]]]]
                        ]
                    ],
                ],
            ],
            [
                "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use \"storageClassName\" attribute instead",
                "metadata.annotations[volume.beta.kubernetes.io/mount-options]: deprecated since v1.31; use \"mountOptions\" attribute instead",
                "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
                "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/arch is \(arch)",
                "spec.rbd: deprecated in v1.28, non-functional in v1.31+",
            ]),
        Row(
            "/persistentvolumeclaims",
            [
                "metadata": ["annotations": ["volume.beta.kubernetes.io/storage-class": "b"]],
                "spec": ["resources": ["requests": ["storage": "1.5"]]],
            ],
            [
                "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use \"storageClassName\" attribute instead",
                "spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer",
            ]),
        Row(
            "storage.k8s.io/storageclasses",
            ["allowedTopologies": [["matchLabelExpressions": [["key": "a"], ["key": "beta.kubernetes.io/arch"]]]]],
            ["allowedTopologies[0].matchLabelExpressions[1].key: \(arch)"]),
        Row(
            "storage.k8s.io/csistoragecapacities",
            ["nodeTopology": ["matchLabels": ["beta.kubernetes.io/arch": "a"], "matchExpressions": [["key": "beta.kubernetes.io/arch"]]]],
            [
                "nodeTopology.matchExpressions[0].key: beta.kubernetes.io/arch is \(arch)",
                "nodeTopology.matchLabels.beta.kubernetes.io/arch: \(arch)",
            ]),
        Row(
            "storage.k8s.io/csidrivers", ["spec": ["tokenRequests": [["audience": "a"]]]],
            [
                "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes"
            ]),
        Row(
            "storage.k8s.io/csidrivers", ["spec": ["tokenRequests": [["audience": "a"]]]],
            old: ["spec": ["tokenRequests": [["audience": "a"]]]], []),
        Row(
            "/resourcequotas", ["spec": ["hard": ["cpu": "2", "limits.cpu": "1", "requests.memory": "1Gi", "limits.memory": "1Gi"]]],
            ["ResourceQuota cpu (2) should be less than limits.cpu (1)"]),
        Row(
            "/secrets", ["type": "kubernetes.io/tls", "data": ["tls.crt": "eA==", "tls.key": "eA=="]],
            ["tls: failed to find any PEM data in certificate input"]),
        Row("/secrets", ["type": "Opaque", "data": ["tls.crt": "eA=="]], []),
        Row(
            "/serviceaccounts", ["metadata": ["annotations": ["kubernetes.io/enforce-mountable-secrets": "true"]]],
            [
                "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
            ]),
        Row(
            "resource.k8s.io/resourceslices", ["spec": ["driver": "A.example"]],
            ["spec.driver: driver names should be lowercase; \"A.example\" contains uppercase characters"]),
        Row(
            "admissionregistration.k8s.io/validatingadmissionpolicies", ["metadata": ["name": "a.static.k8s.io"]],
            [
                "metadata.name: names ending with \".static.k8s.io\" are reserved for static manifest-based configurations and cannot be managed via the API"
            ]),
        Row(
            "apiextensions.k8s.io/customresourcedefinitions",
            definition(["format": "password", "type": "string"], ["format": "odd", "type": "string"]),
            ["unrecognized format \"odd\""]),
        Row(
            "apiextensions.k8s.io/customresourcedefinitions",
            definition(["format": "int32", "type": "integer"], ["items": ["format": "int32", "type": "number"]]),
            old: definition(["format": "odd", "type": "string"], [:]), ["unrecognized format \"int32\""]),
    ]

    private static func definition(_ one: Value, _ other: Value) -> Value {
        ["spec": ["versions": [["schema": ["openAPIV3Schema": ["type": "object", "properties": ["one": one, "other": other]]]]]]]
    }

    /// Told with the answers of the server, whether or not the object is made.
    @Test func areHeaders() async throws {
        try await TestServer.with { server in
            let pods = "/api/v1/namespaces/default/services?dryRun=All"
            let service: Value = [
                "apiVersion": "v1", "kind": "Service", "metadata": ["name": "s"],
                "spec": ["ports": [["port": 80]], "trafficDistribution": "PreferClose"],
            ]
            let made = await server.ask(.post, pods, service)
            #expect(made.code == 201 && made.warnings.contains("is deprecated; use"), "\(made.text)")
            let endpoints = await server.ask(.get, "/api/v1/namespaces/default/endpoints")
            #expect(endpoints.warnings == "299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\"")
        }
    }

    /// A Job that is deleted without a word on its pods leaves them; an owner that is named twice is one.
    @Test func deletionsAndOwners() async throws {
        try await TestServer.with { server in
            let jobs = "/apis/batch/v1/namespaces/default/jobs"
            let owner: Value = ["apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u1"]
            let job: Value = [
                "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": "j", "ownerReferences": [owner, owner]],
                "spec": [
                    "suspend": true,
                    "template": ["spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "i"]]]],
                ],
            ]
            let made = await server.ask(.post, jobs, job)
            #expect(made.warnings.contains("please fix your requests; duplicate UID(s) observed: u1\""), "\(made.text) \(made.warnings)")
            #expect(made.json["metadata"]["ownerReferences"].elements.count == 1)
            let gone = await server.ask(.delete, jobs + "/j")
            #expect(gone.warnings.contains("child pods are preserved by default when jobs are deleted"))
            let left = await server.ask(.get, jobs + "/j")
            #expect(left.json["metadata"]["finalizers"] == ["orphan"], "\(left.text)")
            let told = await server.ask(.delete, jobs + "/j?propagationPolicy=Background")
            #expect(told.warnings.isEmpty && told.code == 200, "\(told.text)")
        }
    }
}
