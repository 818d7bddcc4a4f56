internal import APIModel
internal import PluginHost

/// Objects for a controller to work on.
enum ObjectSamples {
    /// What a kind needs beside its name to be accepted, by plural; the others need nothing.
    private static let specs: [String: Value] = {
        let labels: Value = ["app": "conformance"]
        let pod: Value = ["containers": [["name": "main", "image": "apus.local/sample:1"]]]
        let template: Value = ["metadata": ["labels": labels], "spec": pod]
        let selector: Value = ["matchLabels": labels]
        var job = template
        job["spec"]["restartPolicy"] = "Never"
        let claim: Value = ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]
        return [
            "pods": pod, "services": ["selector": labels, "ports": [["port": 80, "protocol": "TCP"]]],
            "deployments": ["replicas": 2, "selector": selector, "template": template],
            "replicasets": ["replicas": 2, "selector": selector, "template": template],
            "statefulsets": ["replicas": 2, "serviceName": "conformance", "selector": selector, "template": template],
            "daemonsets": ["selector": selector, "template": template],
            "replicationcontrollers": ["replicas": 2, "selector": labels, "template": template], "jobs": ["template": job],
            "cronjobs": ["schedule": "0 0 * * *", "jobTemplate": ["spec": ["template": job]]], "persistentvolumeclaims": claim,
            "poddisruptionbudgets": ["minAvailable": 1, "selector": selector], "networkpolicies": ["podSelector": selector],
            "leases": ["holderIdentity": "nobody", "leaseDurationSeconds": 1],
        ]
    }()

    /// One object of a kind; `nil` when the API does not know the kind.
    static func object(_ resource: GroupVersionResource, name: String) -> Value? {
        guard let type = Catalogue.builtin.resource(resource) else { return nil }
        var object: Value = [
            "apiVersion": .string(type.groupVersion.description), "kind": .string(type.kind),
            "metadata": ["name": .string(name), "labels": ["app": "conformance"]],
        ]
        if let spec = specs[type.name] { object["spec"] = spec }
        return object
    }

    /// The objects to try a controller with: each of a kind under `for`; for one that looks at ownership, an object whose owner does not
    /// exist; then those given.
    static func all(_ manifest: ControllerManifest, given: [Value]) throws -> [(resource: GroupVersionResource, object: Value)] {
        var all: [(resource: GroupVersionResource, object: Value)] = []
        for resource in manifest.for { if let object = object(resource, name: "conformance") { all.append((resource, object)) } }
        if manifest.watches.contains(where: { $0.map == .ownership && ($0.resource ?? .configMaps) == .configMaps }),
            var orphan = object(.configMaps, name: "conformance")
        {
            orphan["metadata"]["ownerReferences"] = [
                ["apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "00000000-0000-4000-8000-000000000000"]
            ]
            all.append((.configMaps, orphan))
        }
        for object in given {
            guard let kind = GroupVersionKind(of: object), let type = Catalogue.builtin.resource(kind) else {
                throw ConformanceError(
                    "the API does not know the kind of a given object: \(object["apiVersion"].string ?? "") \(object["kind"].string ?? "")")
            }
            all.append((type.groupVersionResource, object))
        }
        return all
    }
}
