import APIModel
import Testing

/// What quotas count of which object.
struct QuotaEvaluatorTests {
    private static func usage(_ collection: String, _ object: Value, now: Whole = 1000) throws -> Value {
        try #require(QuotaEvaluators.evaluator(for: collection)).usage(of: object, now: now).value
    }

    private static func pod(_ requests: Value, _ change: (inout Value) -> Void = { _ in }) -> Value {
        var pod: Value = ["spec": ["containers": [["name": "a", "resources": ["requests": requests]]]]]
        change(&pod)
        return pod
    }

    private static let counted: [(name: String, collection: String, object: Value, usage: Value)] = [
        ("an object", "apps/deployments", .emptyObject, ["count/deployments.apps": "1"]),
        ("an object with a name of its own", "/secrets", .emptyObject, ["count/secrets": "1", "secrets": "1"]),
        (
            "a pod", "/pods", pod(["cpu": "100m", "example.com/gpu": "2", "hugepages-2Mi": "4Mi"]),
            [
                "count/pods": "1", "pods": "1", "cpu": "100m", "requests.cpu": "100m", "requests.example.com/gpu": "2",
                "hugepages-2Mi": "4Mi", "requests.hugepages-2Mi": "4Mi",
            ]
        ), ("a pod that has ended", "/pods", pod(["cpu": "1"]) { $0["status"]["phase"] = "Failed" }, ["count/pods": "1"]),
        (
            "a pod that should be gone", "/pods",
            pod(["cpu": "1"]) {
                $0["metadata"] = ["deletionTimestamp": "1970-01-01T00:10:00Z", "deletionGracePeriodSeconds": 30]
            }, ["count/pods": "1"]
        ),
        (
            "init containers and overhead", "/pods",
            pod(["cpu": "1"]) {
                $0["spec"]["initContainers"] = [
                    ["name": "s", "restartPolicy": "Always", "resources": ["requests": ["cpu": "500m"]]],
                    ["name": "i", "resources": ["requests": ["cpu": "2"]]],
                ]
                $0["spec"]["overhead"] = ["cpu": "100m"]
            }, ["count/pods": "1", "pods": "1", "cpu": "2600m", "requests.cpu": "2600m"]
        ),
        (
            "a resize under way", "/pods",
            pod(["cpu": "1"]) { $0["status"]["containerStatuses"] = [["name": "a", "resources": ["requests": ["cpu": "3"]]]] },
            ["count/pods": "1", "pods": "1", "cpu": "3", "requests.cpu": "3"]
        ),
        (
            "a load balancer without node ports", "/services",
            [
                "spec": [
                    "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false,
                    "ports": [["port": 1, "nodePort": 30000], ["port": 2]],
                ]
            ],
            ["count/services": "1", "services": "1", "services.nodeports": "1", "services.loadbalancers": "1"]
        ),
        (
            "a claim", "/persistentvolumeclaims",
            ["spec": ["storageClassName": "gold", "resources": ["requests": ["storage": "1500m"]]]],
            [
                "count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1", "requests.storage": "2",
                "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1", "gold.storageclass.storage.k8s.io/requests.storage": "2",
            ]
        ),
        (
            "devices", "resource.k8s.io/resourceclaims",
            [
                "spec": [
                    "devices": [
                        "requests": [
                            ["exactly": ["deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 2]],
                            [
                                "firstAvailable": [
                                    ["deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1],
                                    ["deviceClassName": "nic", "allocationMode": "All"],
                                ]
                            ],
                        ]
                    ]
                ]
            ],
            [
                "count/resourceclaims.resource.k8s.io": "1", "gpu.deviceclass.resource.k8s.io/devices": "3",
                "nic.deviceclass.resource.k8s.io/devices": "32",
            ]
        ),
    ]

    @Test(arguments: Self.counted.indices) func countsWhatAnObjectUses(_ index: Int) throws {
        let tested = Self.counted[index]
        #expect(try Self.usage(tested.collection, tested.object) == tested.usage, "\(tested.name)")
    }

    @Test func eventsAndReviewsAreNotCounted() {
        for collection in ["/events", "events.k8s.io/events", "authorization.k8s.io/subjectaccessreviews"] {
            #expect(QuotaEvaluators.evaluator(for: collection) == nil)
        }
    }

    private static let scopes: [(scope: Value, change: @Sendable (inout Value) -> Void, isMatched: Bool)] = [
        (["scopes": ["Terminating"]], { $0["spec"]["activeDeadlineSeconds"] = 5 }, true),
        (["scopes": ["Terminating"]], { _ in }, false), (["scopes": ["NotTerminating"]], { _ in }, true),
        (["scopes": ["BestEffort"]], { _ in }, true),
        (["scopes": ["BestEffort"]], { $0["spec"]["containers"][0]["resources"] = ["limits": ["cpu": "1"]] }, false),
        (["scopes": ["NotBestEffort"]], { $0["spec"]["containers"][0]["resources"] = ["limits": ["cpu": "1"]] }, true),
        (["scopes": ["PriorityClass"]], { $0["spec"]["priorityClassName"] = "high" }, true),
        (["scopes": ["PriorityClass"]], { _ in }, false),
        (
            ["scopeSelector": ["matchExpressions": [["scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]]]]],
            { $0["spec"]["priorityClassName"] = "high" }, false
        ),
        (
            ["scopeSelector": ["matchExpressions": [["scopeName": "PriorityClass", "operator": "DoesNotExist"]]]], { _ in }, true
        ),
        (
            ["scopes": ["CrossNamespacePodAffinity"]],
            {
                $0["spec"]["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = [
                    ["namespaceSelector": .emptyObject]
                ]
            }, true
        ),
    ]

    @Test(arguments: Self.scopes.indices) func scopesChoosePods(_ index: Int) throws {
        let tested = Self.scopes[index]
        var pod = Self.pod(.emptyObject)
        tested.change(&pod)
        let quota = Quota(["spec": tested.scope, "status": ["hard": ["pods": "1"]]])
        #expect(quota.matches(pod, try #require(QuotaEvaluators.evaluator(for: "/pods"))) == tested.isMatched)
    }

    @Test func collectionsFollowFromTheNames() {
        let hard = ResourceList(["pods", "count/widgets.example.com", "requests.storage"].reduce(into: [:]) { $0[$1] = .zero })
        #expect(Quota.collections(for: hard) == ["/persistentvolumeclaims", "/pods", "example.com/widgets"])
    }

    /// What nobody can count is not said to be unused.
    @Test func nothingIsSaidOfWhatCannotBeListed() {
        let hard = ResourceList(["pods", "count/widgets.example.com"].reduce(into: [:]) { $0[$1] = .zero })
        let usage = Quota(["status": .emptyObject]).usage(hard: hard, now: 0) { $0 == "/pods" ? [] : nil }
        #expect(usage["pods"] == .zero && usage["count/widgets.example.com"] == nil)
    }
}
