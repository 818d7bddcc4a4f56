import APIModel
import Client

extension GroupVersionResource {
    static let deployments = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    static let replicaSets = GroupVersionResource(group: "apps", version: "v1", resource: "replicasets")
    static let endpoints = GroupVersionResource(group: "", version: "v1", resource: "endpoints")
    static let jobs = GroupVersionResource(group: "batch", version: "v1", resource: "jobs")
    static let cronJobs = GroupVersionResource(group: "batch", version: "v1", resource: "cronjobs")
    static let statefulSets = GroupVersionResource(group: "apps", version: "v1", resource: "statefulsets")
    static let daemonSets = GroupVersionResource(group: "apps", version: "v1", resource: "daemonsets")
    static let revisions = GroupVersionResource(group: "apps", version: "v1", resource: "controllerrevisions")
    static let replicationControllers = GroupVersionResource(group: "", version: "v1", resource: "replicationcontrollers")
    static let budgets = GroupVersionResource(group: "policy", version: "v1", resource: "poddisruptionbudgets")
    static let claims = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumeclaims")
    static let volumes = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumes")
    static let storageClasses = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "storageclasses")
    static let attributesClasses = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "volumeattributesclasses")
    static let signingRequests = GroupVersionResource(
        group: "certificates.k8s.io", version: "v1", resource: "certificatesigningrequests")
    static let priorityClasses = GroupVersionResource(group: "scheduling.k8s.io", version: "v1", resource: "priorityclasses")
}

/// Objects for tests.
func template(app: String, image: String = "a", hollow: String? = nil, spec: [String: Value] = [:]) -> Value {
    var template: Value = [
        "metadata": ["labels": ["app": .string(app), "hollow": Value(hollow)]],
        "spec": ["containers": [["name": "c", "image": .string(image), "ports": [["name": "web", "containerPort": 8080]]]]],
    ]
    for (field, value) in spec { template["spec"][field] = value }
    return template
}

func replicaSet(_ name: String, replicas: Int, hollow: String? = nil, spec: [String: Value] = [:]) -> Value {
    [
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": ["name": .string(name)],
        "spec": [
            "replicas": Value(replicas), "selector": ["matchLabels": ["app": .string(name)]],
            "template": template(app: name, hollow: hollow, spec: spec),
        ],
    ]
}

func deployment(_ name: String, replicas: Int, hollow: String? = nil, _ fields: [String: Value] = [:]) -> Value {
    var deployment: Value = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
        "spec": [
            "replicas": Value(replicas), "selector": ["matchLabels": ["app": .string(name)]],
            "template": template(app: name, hollow: hollow),
        ],
    ]
    for (field, value) in fields { deployment["spec"][field] = value }
    return deployment
}

func job(_ name: String, hollow: String? = nil, _ fields: [String: Value] = [:]) -> Value {
    var job: Value = [
        "apiVersion": "batch/v1", "kind": "Job", "metadata": ["name": .string(name)],
        "spec": ["template": template(app: name, hollow: hollow, spec: ["restartPolicy": "Never"])],
    ]
    for (field, value) in fields { job["spec"][field] = value }
    return job
}

func statefulSet(_ name: String, replicas: Int, hollow: String? = nil, _ fields: [String: Value] = [:]) -> Value {
    var set = deployment(name, replicas: replicas, hollow: hollow, fields)
    set["kind"] = "StatefulSet"
    set["spec"]["serviceName"] = .string(name)
    return set
}

func daemonSet(_ name: String, _ fields: [String: Value] = [:]) -> Value {
    var set = deployment(name, replicas: 0, fields)
    set["kind"] = "DaemonSet"
    set["spec"]["replicas"] = .null
    return set
}

func rolling(surge: Value, unavailable: Value) -> Value {
    ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": surge, "maxUnavailable": unavailable]]
}

/// A patch that gives a Deployment another image.
func newImage(_ image: String, hollow: String? = nil) -> Value {
    [
        "spec": [
            "template": [
                "metadata": ["labels": ["hollow": Value(hollow)]],
                "spec": ["containers": [["name": "c", "image": .string(image), "ports": [["name": "web", "containerPort": 8080]]]]],
            ]
        ]
    ]
}

func pod(_ name: String, app: String, hollow: String? = nil, spec: [String: Value] = [:]) -> Value {
    var pod = template(app: app, hollow: hollow, spec: spec)
    pod["apiVersion"] = "v1"
    pod["kind"] = "Pod"
    pod["metadata"]["name"] = .string(name)
    return pod
}

func configMap(_ name: String, owners: [Value] = []) -> Value {
    [
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": ["name": .string(name), "ownerReferences": owners.isEmpty ? .null : .array(owners)],
    ]
}

/// A reference to `object`.
func owner(_ object: Object, blocks: Bool = false) -> Value {
    [
        "apiVersion": object.value["apiVersion"], "kind": object.value["kind"], "name": .string(object.name), "uid": .string(object.uid),
        "blockOwnerDeletion": blocks ? true : .null,
    ]
}

func isActive(_ pod: Value) -> Bool {
    pod["metadata"]["deletionTimestamp"].isNull && !["Failed", "Succeeded"].contains(pod["status"]["phase"].string ?? "")
}

func isReady(_ pod: Value) -> Bool { condition(pod, "Ready")["status"].string == "True" }

func condition(_ object: Value, _ type: String) -> Value {
    object["status"]["conditions"].elements.first { $0["type"].string == type } ?? .null
}

func image(_ object: Value) -> String {
    (object["spec"]["template"].isNull ? object["spec"] : object["spec"]["template"]["spec"])["containers"][0]["image"].string ?? ""
}
