import APIModel
import Client
import FoundationEssentials

extension ControllerBenchmark {
    struct Case: Sendable {
        /// By which it is chosen.
        var name: String
        var run: @Sendable (ControllerBenchmark) async throws -> Void
    }

    /// In the order in which all are run. Each leaves nothing behind but the nodes and the namespace that all have.
    static let cases = [
        Case(name: "deployment") { try await $0.measureDeployment() }, Case(name: "statefulset") { try await $0.measureStatefulSet() },
        Case(name: "job") { try await $0.measureJob() }, Case(name: "cronjobs") { try await $0.measureCronJobs() },
        Case(name: "garbage") { try await $0.measureGarbage() }, Case(name: "namespace") { try await $0.measureNamespace() },
        Case(name: "quota") { try await $0.measureQuota() }, Case(name: "silent-nodes") { try await $0.measureSilentNodes() },
    ]

    // MARK: Workloads

    private func measureDeployment() async throws {
        try await report("Deployment of 1,000: POST to all Ready") {
            try await make(.deployments, workload("Deployment", "apps/v1", "web", ["replicas": 1000]))
            try await wait(for: .deployments, "web") { $0["status"]["readyReplicas"] == 1000 }
        }
        try await report("Deployment of 1,000: deleted, all gone") { try await removeAll(.deployments, "web") }
    }

    private func measureStatefulSet() async throws {
        try await report("StatefulSet of 200, parallel: to all Ready") {
            try await make(
                .statefulSets,
                workload("StatefulSet", "apps/v1", "db", ["replicas": 200, "serviceName": "db", "podManagementPolicy": "Parallel"]))
            try await wait(for: .statefulSets, "db") { $0["status"]["readyReplicas"] == 200 }
        }
        try await removeAll(.statefulSets, "db")
    }

    private func measureJob() async throws {
        try await report("Job of 5,000, 500 at once: to Complete") {
            var job = workload("Job", "batch/v1", "pi", ["completions": 5000, "parallelism": 500])
            job["spec"]["selector"] = .null
            job["spec"]["template"]["spec"]["restartPolicy"] = "Never"
            try await make(.jobs, job)
            try await wait(for: .jobs, "pi") { $0["status"]["succeeded"] == 5000 }
        }
        try await removeAll(.jobs, "pi")
    }

    /// Their Jobs are suspended, so that the CronJobs alone are measured.
    private func measureCronJobs() async throws {
        let count = 1000
        try await Benchmarks.together(0..<count) { index in
            var job = workload("Job", "batch/v1", "tick", ["suspend": true])["spec"]
            job["selector"] = .null
            job["template"]["spec"]["restartPolicy"] = "Never"
            try await make(
                .cronJobs,
                [
                    "apiVersion": "batch/v1", "kind": "CronJob", "metadata": ["name": .string("tick-\(index)")],
                    "spec": ["schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": ["spec": job]],
                ])
        }
        let list = try await client.list(.cronJobs, namespace: Self.namespace)
        let due = (Timestamp.nowSeconds() / 60 + 1) * 60
        try await Task.sleep(for: .seconds(Int(due - Timestamp.nowSeconds())))
        try await report("1,000 CronJobs due at once: all started") {
            var left = Set(list.items.map(\.name))
            let events = try await client.watch(
                .cronJobs, namespace: Self.namespace, options: ListOptions(resourceVersion: list.resourceVersion))
            for try await event in events where event.object.value["status"]["lastScheduleTime"].time ?? 0 >= due {
                left.remove(event.object.name)
                if left.isEmpty { break }
            }
        }
        try await Benchmarks.together(0..<count) { index in
            try await client.delete(
                .cronJobs, namespace: Self.namespace, name: "tick-\(index)", options: ["propagationPolicy": "Background"])
        }
        try await drain(.jobs) { _ in false }
    }

    // MARK: Clean-up

    private func measureGarbage() async throws {
        let owner = try await client.create(.configMaps, namespace: Self.namespace, map("owner")).uid
        try await Benchmarks.together(0..<10_000) { index in
            var map = map("dependent-\(index)")
            map["metadata"]["ownerReferences"] = [["apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": .string(owner)]]
            try await make(.configMaps, map)
        }
        try await report("10,000 dependents of an owner: collected") {
            try await client.delete(.configMaps, namespace: Self.namespace, name: "owner")
            try await drain(.configMaps) { !$0.hasPrefix("dependent-") }
        }
    }

    private func measureNamespace() async throws {
        let name = "bench-full"
        try await makeNamespace(name)
        try await Benchmarks.together(0..<5000) { index in
            let kind = Self.kinds[index % Self.kinds.count]
            var object = kind.fields
            object["apiVersion"] = .string(kind.group.isEmpty ? "v1" : "\(kind.group)/v1")
            object["kind"] = .string(kind.kind)
            object["metadata"] = ["name": .string("filler-\(index)")]
            let resource = GroupVersionResource(group: kind.group, version: "v1", resource: kind.resource)
            _ = try await client.create(resource, namespace: name, object)
        }
        try await report("5,000 objects of \(Self.kinds.count) kinds: namespace deleted") { try await removeNamespace(name) }
    }

    /// Returns when it is gone.
    private func removeNamespace(_ name: String) async throws {
        let version = try await client.list(.namespaces).resourceVersion
        let events = try await client.watch(.namespaces, namespace: nil, options: ListOptions(resourceVersion: version))
        try await client.delete(.namespaces, name: name)
        for try await event in events where event.kind == .deleted && event.object.name == name { break }
    }

    // MARK: Policy

    private func measureQuota() async throws {
        let (name, count) = ("bench-quota", 100_000)
        let quotas = GroupVersionResource(group: "", version: "v1", resource: "resourcequotas")
        try await makeNamespace(name)
        _ = try await client.create(
            quotas, namespace: name,
            ["metadata": ["name": "all"], "spec": ["hard": ["pods": .string("\(count)"), "requests.cpu": .string("\(count)")]]])
        func counted(_ wanted: Int) async throws {
            for try await event in try await client.watch(quotas, namespace: name, options: ListOptions())
            where event.object.value["status"]["used"]["pods"].string == "\(wanted)" { return }
        }
        try await report("100,000 Pods under a quota: made and counted") {
            try await Benchmarks.together(0..<count) { index in
                _ = try await client.create(
                    .pods, namespace: name,
                    [
                        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string("pod-\(index)")],
                        "spec": [
                            "schedulingGates": [["name": "example.com/never"]],
                            "containers": [["name": "c", "image": "none", "resources": ["requests": ["cpu": "1"]]]],
                        ],
                    ])
            }
            try await counted(count)
        }
        try await report("one of them deleted: counted") {
            try await client.delete(.pods, namespace: name, name: "pod-0")
            try await counted(count - 1)
        }
        try await report("the namespace with the rest: deleted") { try await removeNamespace(name) }
    }

    private static let pods: Value = ["metadata": ["labels": ["a": "b"]], "spec": ["containers": [["name": "c", "image": "none"]]]]
    private static let ofNoNode: Value = [
        "metadata": ["labels": ["a": "b"]], "spec": ["nodeSelector": ["none": "none"], "containers": [["name": "c", "image": "none"]]],
    ]
    private static let none: Value = ["replicas": 0, "selector": ["matchLabels": ["a": "b"]], "template": pods]
    private static let claim: Value = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
    private static let suspended: Value = [
        "suspend": true, "template": ["spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "none"]]]],
    ]
    private static let backend: Value = ["defaultBackend": ["service": ["name": "none", "port": ["number": 1]]]]
    private static let role: Value = ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "none"]
    private static let devices: Value = ["devices": ["requests": [["name": "r", "exactly": ["deviceClassName": "none"]]]]]

    /// Kinds of objects that keep nobody busy, with what an object of each must say beside its name. The autoscalers are for the first of the
    /// Deployments, which has no Pods and so is let alone.
    private static let kinds: [(group: String, resource: String, kind: String, fields: Value)] = [
        ("", "configmaps", "ConfigMap", .null), ("", "secrets", "Secret", .null), ("", "serviceaccounts", "ServiceAccount", .null),
        ("", "podtemplates", "PodTemplate", ["template": pods]), ("", "limitranges", "LimitRange", ["spec": ["limits": []]]),
        ("", "services", "Service", ["spec": ["type": "ExternalName", "externalName": "example.com"]]),
        ("", "endpoints", "Endpoints", .null),
        ("", "persistentvolumeclaims", "PersistentVolumeClaim", ["spec": claim]),
        ("", "replicationcontrollers", "ReplicationController", ["spec": ["replicas": 0, "selector": ["a": "b"], "template": pods]]),
        ("", "resourcequotas", "ResourceQuota", ["spec": ["hard": ["count/none.example.com": "1"]]]),
        (
            "", "pods", "Pod",
            ["spec": ["schedulingGates": [["name": "example.com/never"]], "containers": [["name": "c", "image": "none"]]]]
        ),
        ("apps", "deployments", "Deployment", ["spec": none]), ("apps", "replicasets", "ReplicaSet", ["spec": none]),
        (
            "apps", "statefulsets", "StatefulSet",
            ["spec": ["replicas": 0, "serviceName": "s", "selector": ["matchLabels": ["a": "b"]], "template": pods]]
        ),
        (
            "apps", "daemonsets", "DaemonSet",
            ["spec": ["selector": ["matchLabels": ["a": "b"]], "template": ofNoNode]]
        ), ("apps", "controllerrevisions", "ControllerRevision", ["revision": 1]), ("batch", "jobs", "Job", ["spec": suspended]),
        (
            "batch", "cronjobs", "CronJob",
            ["spec": ["schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": ["spec": suspended]]]
        ),
        (
            "autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler",
            ["spec": ["scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "filler-11"], "maxReplicas": 1]]
        ), ("coordination.k8s.io", "leases", "Lease", .null),
        ("discovery.k8s.io", "endpointslices", "EndpointSlice", ["addressType": "IPv4", "endpoints": []]),
        ("networking.k8s.io", "networkpolicies", "NetworkPolicy", ["spec": ["podSelector": .emptyObject]]),
        ("networking.k8s.io", "ingresses", "Ingress", ["spec": backend]),
        (
            "policy", "poddisruptionbudgets", "PodDisruptionBudget",
            ["spec": ["minAvailable": 1, "selector": ["matchLabels": ["none": "none"]]]]
        ), ("rbac.authorization.k8s.io", "roles", "Role", ["rules": []]),
        ("rbac.authorization.k8s.io", "rolebindings", "RoleBinding", ["roleRef": role]),
        ("resource.k8s.io", "resourceclaims", "ResourceClaim", ["spec": devices]),
        ("resource.k8s.io", "resourceclaimtemplates", "ResourceClaimTemplate", ["spec": ["spec": devices]]),
        ("storage.k8s.io", "csistoragecapacities", "CSIStorageCapacity", ["storageClassName": "none"]),
        (
            "events.k8s.io", "events", "Event",
            [
                "regarding": ["kind": "Namespace", "name": "bench-full", "namespace": "bench-full"],
                "eventTime": "2026-01-01T00:00:00.000000Z", "reportingController": "example.com/bench", "reportingInstance": "b",
                "action": "A",
                "reason": "R", "type": "Normal",
            ]
        ),
    ]

    // MARK: Nodes

    /// Their time of grace, 50 s, is in what is told.
    private func measureSilentNodes() async throws {
        let count = 5000
        try await Benchmarks.together(0..<count) { index in
            let name = "silent-\(index)"
            let zone: Value = ["topology.kubernetes.io/zone": .string("zone-\(index % 3)")]
            _ = try await client.create(
                .nodes,
                [
                    "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": zone],
                    "spec": ["unschedulable": true],
                ])
            try await setReady(name)
        }
        let list = try await client.list(.nodes)
        try await report("5,000 nodes fall silent: all Unknown") {
            var left = Set((0..<count).map { "silent-\($0)" })
            let events = try await client.watch(.nodes, namespace: nil, options: ListOptions(resourceVersion: list.resourceVersion))
            for try await event in events where Self.isUnknown(event.object.value) {
                left.remove(event.object.name)
                if left.isEmpty { break }
            }
        }
        try await Benchmarks.together(0..<count) { index in try await client.delete(.nodes, name: "silent-\(index)") }
    }

    private static func isUnknown(_ node: Value) -> Bool {
        node["status"]["conditions"].elements.contains { $0["type"].string == "Ready" && $0["status"].string == "Unknown" }
    }
}

extension GroupVersionResource {
    fileprivate static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    fileprivate static let statefulSets = GroupVersionResource(group: "apps", version: "v1", resource: "statefulsets")
    fileprivate static let jobs = GroupVersionResource(group: "batch", version: "v1", resource: "jobs")
    fileprivate static let cronJobs = GroupVersionResource(group: "batch", version: "v1", resource: "cronjobs")
}
