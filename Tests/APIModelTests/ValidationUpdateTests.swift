import APIModel
import Testing

struct ValidationUpdateTests {
    private func update(_ resource: String, _ json: String, subresource: String? = nil, _ change: (inout Value) -> Void) throws -> [String]
    {
        let resource = try Sample.resource(resource)
        let old = try Sample.object(resource, json)
        var new = old
        change(&new)
        return Validation.validateUpdate(new, old: old, resource: resource, subresource: subresource).map(\.message)
    }

    @Test func podSpec() throws {
        #expect(try update("v1/pods", Sample.pod) { $0["spec"]["containers"][0]["image"] = "other" } == [])
        #expect(try update("v1/pods", Sample.pod) { $0["metadata"]["labels"] = ["a": "b"] } == [])
        #expect(try update("v1/pods", Sample.pod) { $0["spec"]["tolerations"] = [["key": "a", "operator": "Exists"]] } == [])
        #expect(try update("v1/pods", Sample.pod) { $0["spec"]["activeDeadlineSeconds"] = 5 } == [])
        let refused = try update("v1/pods", Sample.pod) { $0["spec"]["nodeName"] = "n" }
        #expect(refused.count == 1)
        #expect(
            refused.first?.hasPrefix(
                "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n"
            ) == true)
        #expect(
            try update("v1/pods", Sample.pod) { $0["spec"]["containers"].elements.append(["name": "x", "image": "y"]) }
                == ["spec.containers: Forbidden: pod updates may not add or remove containers"])
        #expect(try update("v1/pods", Sample.pod, subresource: "status") { $0["status"] = ["phase": "Running"] } == [])
    }

    private struct Part {
        var resource = "v1/pods"
        var subresource = "status"
        var field: String
        var value: Value
        var message: String
    }

    private static let parts: [Part] = [
        Part(
            field: "conditions", value: [["type": "a b", "status": "True"]],
            message: "status.conditions[0].Type: Invalid value: \"a b\": name part must consist of"),
        Part(field: "podIPs", value: [["ip": "x"]], message: "status.podIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g."),
        Part(field: "podIPs", value: [["ip": "10.0.0.1"], ["ip": "10.0.0.2"]], message: "status.podIPs: Invalid value: "),
        Part(
            field: "hostIPs", value: [["ip": "10.0.0.1"]],
            message: "status.hostIPs[0].ip: Invalid value: \"10.0.0.1\": must be equal to `hostIP`"),
        Part(field: "qosClass", value: "Guaranteed", message: "status.qosClass: Invalid value: \"Guaranteed\": field is immutable"),
        Part(field: "nominatedNodeName", value: "A_", message: "status.nominatedNodeName: Invalid value: \"A_\": a lowercase RFC 1123"),
        Part(
            resource: "v1/namespaces", field: "phase", value: "X",
            message: "status.Phase: Invalid value: \"X\": may only be 'Active' if `deletionTimestamp` is empty"),
        Part(
            resource: "v1/namespaces", subresource: "finalize", field: "finalizers", value: ["x"],
            message: "spec.finalizers[0]: Invalid value: \"x\": name is neither a standard finalizer name"),
    ]

    /// What is told of a pod and of a namespace through their subresources.
    @Test func parts() throws {
        for part in Self.parts {
            let given = part.resource == "v1/pods" ? Sample.pod : #"{"metadata":{"name":"n"},"status":{"phase":"Active"}}"#
            let found = try update(part.resource, given, subresource: part.subresource) {
                $0[part.subresource == "finalize" ? "spec" : "status"][part.field] = part.value
            }
            #expect(found.count == 1, "\(found)")
            #expect(found.first?.hasPrefix(part.message) == true, "\(found)")
        }
    }

    @Test func wholeFirstThenWhatMayNotChange() throws {
        let found = try update("apps/v1/deployments", Sample.deployment) { $0["spec"]["selector"] = ["matchLabels": ["z": "z"]] }
        #expect(found.map { $0.prefix { $0 != ":" } } == ["spec.template.metadata.labels", "spec.selector"])
    }

    private static let sized = """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","namespace":"default"},"spec":{"containers":[
          {"name":"c","image":"example/web","resources":{"requests":{"cpu":"1"}}},{"name":"d","image":"example/web","resources":{}}]}}
        """

    private func resized(_ change: (inout Value) -> Void) throws -> [String] {
        try update("v1/pods", Self.sized, subresource: "resize") { change(&$0["spec"]) }
    }

    @Test func podResize() throws {
        #expect(try resized { $0["containers"][0]["resources"]["requests"]["cpu"] = "2" } == [])
        #expect(try resized { $0["containers"][1]["resources"] = ["requests": ["memory": "1Gi"]] } == [])
        #expect(try resized { $0["containers"][1]["resources"] = .null } == [])
        #expect(try resized { $0["resources"] = ["requests": ["cpu": "3"]] } == [])
        #expect(
            try resized { $0["containers"][0]["resources"] = .emptyObject }.first
                == "spec: Invalid value: null: Pod QOS Class may not change as a result of resizing")
        #expect(
            try resized { $0["containers"][0]["resources"] = ["requests": ["memory": "1Gi"]] }
                == ["spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"])
        #expect(
            try resized { $0["containers"][0]["resources"]["requests"]["ephemeral-storage"] = "1Gi" }
                == ["spec: Forbidden: only cpu and memory resources are mutable"])
        #expect(
            try resized { $0["containers"][1]["name"] = "e" }
                == ["spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize"])
        #expect(
            try resized { $0["containers"].elements.removeLast() }
                == ["spec.containers: Forbidden: containers may not be added or removed on resize"])
        #expect(
            try resized { $0["containers"][0]["resizePolicy"] = [["resourceName": "cpu", "restartPolicy": "RestartContainer"]] }
                == ["spec: Forbidden: only cpu and memory resources are mutable"])
    }

    @Test func metadata() throws {
        #expect(
            try update("v1/pods", Sample.pod) { $0["metadata"]["namespace"] = "other" } == [
                "metadata.namespace: Invalid value: \"other\": field is immutable"
            ])
    }

    @Test(arguments: [
        (
            "apps/v1/deployments", Sample.deployment, "spec.selector",
            #"{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"app","operator":"Exists"}]}"#,
            "spec.selector: Invalid value: {\"matchLabels\":{\"app\":\"web\"},\"matchExpressions\":[{\"key\":\"app\",\"operator\":\"Exists\"}]}: field is immutable"
        ),
        (
            "v1/secrets", #"{"metadata":{"name":"s","namespace":"d"}}"#, "type", #""other""#,
            "type: Invalid value: \"other\": field is immutable"
        ),
        (
            "v1/configmaps", #"{"metadata":{"name":"s","namespace":"d"},"immutable":true,"data":{"a":"b"}}"#, "data", #"{"a":"c"}"#,
            "data: Forbidden: field is immutable when `immutable` is set"
        ),
        (
            "v1/services",
            #"{"metadata":{"name":"s","namespace":"d"},"spec":{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ports":[{"port":1}]}}"#,
            "spec.clusterIPs",
            #"["10.0.0.2"]"#,
            "spec.clusterIPs[0]: Invalid value: [\"10.0.0.2\"]: may not change once set"
        ),
        (
            "v1/nodes", #"{"metadata":{"name":"n"},"spec":{"podCIDRs":["10.0.0.0/24"]}}"#, "spec.podCIDRs",
            #"["10.0.0.0/24","fd00::/64"]"#, "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid"
        ),
        (
            "v1/nodes", #"{"metadata":{"name":"n"}}"#, "spec.podCIDRs", #"["10.0.0.0/24","10.0.1.0/24"]"#,
            "spec.podCIDRs: Invalid value: [\"10.0.0.0/24\",\"10.0.1.0/24\"]: may specify no more than one CIDR for each IP family"
        ),
        (
            "scheduling.k8s.io/v1/priorityclasses", #"{"metadata":{"name":"s"},"value":5}"#, "value", "6",
            "value: Forbidden: may not be changed in an update."
        ),
        (
            "rbac.authorization.k8s.io/v1/clusterrolebindings", #"{"metadata":{"name":"s"},"roleRef":{"kind":"ClusterRole","name":"a"}}"#,
            "roleRef.name", #""b""#,
            "roleRef: Invalid value: {\"kind\":\"ClusterRole\",\"name\":\"b\",\"apiGroup\":\"rbac.authorization.k8s.io\"}: cannot change roleRef"
        ),
        (
            "storage.k8s.io/v1/storageclasses", #"{"metadata":{"name":"s"},"provisioner":"a/b"}"#, "provisioner", #""c/d""#,
            "provisioner: Forbidden: updates to provisioner are forbidden."
        ),
        (
            "apps/v1/statefulsets",
            #"{"metadata":{"name":"s","namespace":"d"},"spec":{"serviceName":"a","selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"a","image":"b"}]}}}}"#,
            "spec.serviceName", #""z""#,
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
        ),
    ])
    func immutable(resource: String, json: String, path: String, value: String, expected: String) throws {
        let value = try Sample.value(value)
        let found = try update(resource, json) { object in
            let parts = path.split(separator: ".").map(String.init)
            if parts.count == 2 { object[parts[0]][parts[1]] = value } else { object[parts[0]] = value }
        }
        #expect(found.contains(expected), "\(found)")
    }
}
