import APIModel
import Testing

struct ValidationTests {
    private func messages(_ resource: String, _ json: String) throws -> [String] {
        let resource = try Sample.resource(resource)
        return Validation.validate(try Sample.object(resource, json), resource: resource).map(\.message)
    }

    private func changed(_ json: String, _ change: (inout Value) -> Void) throws -> String {
        var value = try Sample.value(json)
        change(&value)
        return String(decoding: JSON.encode(value), as: UTF8.self)
    }

    @Test func goodObjects() throws {
        #expect(try messages("apps/v1/deployments", Sample.deployment) == [])
        #expect(try messages("v1/pods", Sample.pod) == [])
        #expect(
            try messages(
                "v1/services",
                #"{"metadata":{"name":"s","namespace":"d"},"spec":{"ports":[{"port":80,"targetPort":"http"}],"selector":{"a":"b"}}}"#) == []
        )
        #expect(try messages("v1/configmaps", #"{"metadata":{"name":"s","namespace":"d"},"data":{"a.b":"c"}}"#) == [])
        #expect(try messages("v1/namespaces", #"{"metadata":{"name":"s"}}"#) == [])
        #expect(try messages("v1/nodes", #"{"metadata":{"name":"node-1"}}"#) == [])
        #expect(
            try messages(
                "batch/v1/cronjobs",
                #"{"metadata":{"name":"c","namespace":"d"},"spec":{"schedule":"*/5 0-6,12 * jan mon-fri","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"a","image":"b"}]}}}}}}"#
            )
                == [])
        #expect(
            try messages(
                "rbac.authorization.k8s.io/v1/clusterroles",
                #"{"metadata":{"name":"system:x"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}"#) == [])
        #expect(
            try messages(
                "coordination.k8s.io/v1/leases",
                #"{"metadata":{"name":"l","namespace":"d"},"spec":{"holderIdentity":"a","leaseDurationSeconds":40}}"#) == [])
    }

    @Test func deployments() throws {
        #expect(
            try messages("apps/v1/deployments", changed(Sample.deployment) { $0["spec"]["replicas"] = -1 })
                == ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"])
        #expect(
            try messages("apps/v1/deployments", changed(Sample.deployment) { $0["spec"]["selector"]["matchLabels"]["app"] = "db" })
                == ["spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`"])
        #expect(
            try messages("apps/v1/deployments", changed(Sample.deployment) { $0["spec"]["template"]["spec"]["restartPolicy"] = "Never" })
                == ["spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\""])
        #expect(
            try messages("apps/v1/deployments", #"{"metadata":{"name":"x","namespace":"d"},"spec":{}}"#) == [
                "spec.selector: Required value",
                "spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`",
                "spec.template.spec.containers: Required value",
            ])
    }

    @Test(arguments: [
        (#"{"containers":[]}"#, ["spec.containers: Required value"]),
        (#"{"containers":[{"name":"c"}]}"#, ["spec.containers[0].image: Required value"]),
        (#"{"containers":[{"image":"c"}]}"#, ["spec.containers[0].name: Required value"]),
        (
            #"{"containers":[{"name":"C_","image":"i"}]}"#,
            [
                "spec.containers[0].name: Invalid value: \"C_\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        ),
        (#"{"containers":[{"name":"c","image":"i"},{"name":"c","image":"i"}]}"#, ["spec.containers[1].name: Duplicate value: \"c\""]),
        (
            #"{"containers":[{"name":"c","image":"i","imagePullPolicy":"Sometimes"}]}"#,
            [
                "spec.containers[0].imagePullPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \"IfNotPresent\", \"Never\""
            ]
        ),
        (
            #"{"containers":[{"name":"c","image":"i","ports":[{"containerPort":70000}]}]}"#,
            ["spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"]
        ),
        (
            #"{"containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/x"}]}]}"#,
            ["spec.containers[0].volumeMounts[0].name: Not found: \"v\""]
        ),
        (
            #"{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"2"},"limits":{"cpu":"1"}}}]}"#,
            ["spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"]
        ),
        (
            #"{"containers":[{"name":"c","image":"i","livenessProbe":{}}]}"#,
            ["spec.containers[0].livenessProbe: Required value: must specify a handler type"]
        ),
        (
            #"{"containers":[{"name":"c","image":"i","restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"In","values":[1]}}]}]}"#,
            ["spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used"]
        ),
        (
            #"{"containers":[{"name":"c","image":"i","restartPolicy":"Never","restartPolicyRules":[{"action":"Sleep","exitCodes":{"operator":"In"}}]}]}"#,
            [
                "spec.containers[0].restartPolicyRules[0].action: Unsupported value: \"Sleep\": supported values: \"Restart\", \"RestartAllContainers\""
            ]
        ),
        (
            #"{"containers":[{"name":"c","image":"i","restartPolicy":"Never","restartPolicyRules":[{"action":"Restart"}]}]}"#,
            ["spec.containers[0].restartPolicyRules[0].exitCodes: Required value: must be specified"]
        ),
        (
            #"{"resources":{"requests":{"storage":"1"}},"containers":[{"name":"c","image":"i"}]}"#,
            ["spec.resources.requests[storage]: Unsupported value: \"storage\": supported values: \"cpu\", \"hugepages-\", \"memory\""]
        ),
        (
            #"{"resources":{"requests":{"cpu":"1"}},"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"2"}}}]}"#,
            ["spec.resources.requests[cpu]: Invalid value: \"1\": must be greater than or equal to aggregate container requests of 2"]
        ),
        (
            #"{"resources":{"limits":{"cpu":"1"}},"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"},"limits":{"cpu":"2"}}}]}"#,
            ["spec.resources.containers[0][cpu].limits: Invalid value: \"2\": must be less than or equal to pod limits of 1"]
        ),
        (
            #"{"hostNetwork":true,"hostnameOverride":"h","containers":[{"name":"c","image":"i"}]}"#,
            ["spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true"]
        ),
        (
            #"{"volumes":[{"name":"v","configMap":{"name":"m"}}],"containers":[{"name":"c","image":"i","env":[{"name":"A","valueFrom":{"fileKeyRef":{"volumeName":"v","path":"f","key":"A"}}}]}]}"#,
            [
                "spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: \"v\": referenced volume must be of type emptyDir"
            ]
        ),
        (
            #"{"terminationGracePeriodSeconds":5,"containers":[{"name":"c","image":"i","lifecycle":{"preStop":{"sleep":{"seconds":6}}}}]}"#,
            [
                "spec.containers[0].lifecycle.preStop.sleep: Invalid value: 6: must be non-negative and less than terminationGracePeriodSeconds (5)"
            ]
        ),
        (
            #"{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/v","mountPropagation":"Bidirectional"}]}]}"#,
            [
                "spec.containers[0].volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers"
            ]
        ),
        (
            #"{"containers":[{"name":"c","image":"i","resizePolicy":[{"resourceName":"disk","restartPolicy":"NotRequired"}]}]}"#,
            ["spec.containers[0].resizePolicy[0].resourceName: Unsupported value: \"disk\": supported values: \"cpu\", \"memory\""]
        ),
        (
            #"{"restartPolicy":"Maybe","containers":[{"name":"c","image":"i"}]}"#,
            ["spec.restartPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", \"OnFailure\", \"Never\""]
        ),
        (
            #"{"containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v","emptyDir":{},"hostPath":{"path":"/x"}}]}"#,
            ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"]
        ),
        (
            #"{"containers":[{"name":"c","image":"i"}],"tolerations":[{"operator":"Equal"}]}"#,
            [
                "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` is empty, which means \"match all values and all keys\""
            ]
        ),
    ])
    func pods(spec: String, expected: [String]) throws {
        #expect(try messages("v1/pods", #"{"metadata":{"name":"p","namespace":"d"},"spec":\#(spec)}"#) == expected)
    }

    @Test(arguments: [
        (#"{"type":"ClusterIP"}"#, ["spec.ports: Required value"]), (#"{"clusterIP":"None"}"#, []),
        (#"{"ports":[{"port":80},{"port":81}]}"#, ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"]),
        (#"{"ports":[{"port":80,"nodePort":30000}]}"#, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]),
        (#"{"type":"ExternalName"}"#, ["spec.externalName: Required value"]),
        (
            #"{"type":"Magic","ports":[{"port":80}]}"#,
            ["spec.type: Unsupported value: \"Magic\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\""]
        ),
        (
            #"{"ports":[{"name":"a","port":80},{"name":"b","port":80}]}"#,
            [
                #"spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}"#
            ]
        ),
        (
            #"{"ports":[{"port":0}]}"#,
            [
                "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                "spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive",
            ]
        ),
    ])
    func services(spec: String, expected: [String]) throws {
        #expect(Set(try messages("v1/services", #"{"metadata":{"name":"s","namespace":"d"},"spec":\#(spec)}"#)) == Set(expected))
    }

    @Test(arguments: [
        (
            "v1/configmaps", #"{"metadata":{"name":"A","namespace":"d"}}"#,
            "metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of"
        ),
        ("v1/configmaps", #"{"metadata":{"namespace":"d"}}"#, "metadata.name: Required value: name or generateName is required"),
        (
            "v1/configmaps", #"{"metadata":{"name":"a","namespace":"d"},"data":{"a b":"c"}}"#,
            "data[a b]: Invalid value: \"a b\": a valid config key must consist of"
        ),
        (
            "v1/configmaps", #"{"metadata":{"name":"a","namespace":"d","labels":{"a":"b c"}}}"#,
            "metadata.labels: Invalid value: \"b c\": a valid label must be"
        ),
        (
            "v1/services", #"{"metadata":{"name":"a.b","namespace":"d"},"spec":{"ports":[{"port":1}]}}"#,
            "metadata.name: Invalid value: \"a.b\": must not contain dots"
        ),
        (
            "v1/namespaces", #"{"metadata":{"name":"a.b"}}"#,
            "metadata.name: Invalid value: \"a.b\": must not contain dots"
        ),
        (
            "batch/v1/cronjobs", #"{"metadata":{"name":"c","namespace":"d"},"spec":{"schedule":"nope"}}"#,
            "spec.schedule: Invalid value: \"nope\": expected exactly 5 fields, found 1: [nope]"
        ),
        (
            "batch/v1/jobs",
            #"{"metadata":{"name":"c","namespace":"d"},"spec":{"template":{"spec":{"containers":[{"name":"a","image":"b"}]}}}}"#,
            "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""
        ),
        (
            "rbac.authorization.k8s.io/v1/roles",
            #"{"metadata":{"name":"r","namespace":"d"},"rules":[{"apiGroups":[""],"resources":["x"]}]}"#,
            "rules[0].verbs: Required value: verbs must contain at least one value"
        ),
        (
            "rbac.authorization.k8s.io/v1/rolebindings",
            #"{"metadata":{"name":"r","namespace":"d"},"roleRef":{"kind":"Thing","name":"x"}}"#,
            "roleRef.kind: Unsupported value: \"Thing\": supported values: \"Role\", \"ClusterRole\""
        ),
        (
            "networking.k8s.io/v1/ingresses", #"{"metadata":{"name":"i","namespace":"d"},"spec":{}}"#,
            "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"
        ),
        (
            "v1/persistentvolumeclaims", #"{"metadata":{"name":"i","namespace":"d"},"spec":{"resources":{"requests":{"storage":"1Gi"}}}}"#,
            "spec.accessModes: Required value: at least 1 access mode is required"
        ),
        ("storage.k8s.io/v1/storageclasses", #"{"metadata":{"name":"i"}}"#, "provisioner: Required value"),
        (
            "v1/secrets", #"{"metadata":{"name":"t","namespace":"d"},"type":"kubernetes.io/tls","data":{"tls.crt":""}}"#,
            "data[tls.key]: Required value"
        ),
        (
            "autoscaling/v2/horizontalpodautoscalers",
            #"{"metadata":{"name":"t","namespace":"d"},"spec":{"minReplicas":5,"maxReplicas":2,"scaleTargetRef":{"kind":"Deployment","name":"x"}}}"#,
            "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`"
        ),
        (
            "discovery.k8s.io/v1/endpointslices",
            #"{"metadata":{"name":"t","namespace":"d"},"addressType":"IPv4","endpoints":[{"addresses":["x"]}]}"#,
            "endpoints[0].addresses[0]: Invalid value: \"x\": must be a valid IP address"
        ),
    ])
    func others(resource: String, json: String, expected: String) throws {
        let found = try messages(resource, json)
        #expect(found.contains { $0.hasPrefix(expected) }, "\(found)")
    }

    @Test func statusOfTheRefusal() throws {
        let resource = try Sample.resource("apps/v1/deployments")
        let object = try Sample.object(resource, changed(Sample.deployment) { $0["spec"]["replicas"] = -1 })
        let error = APIError.invalid(
            group: "apps", kind: "Deployment", name: "web", errors: Validation.validate(object, resource: resource))
        #expect(error.code == 422)
        #expect(error.message == "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0")
        #expect(
            error.details
                == [
                    "name": "web", "group": "apps", "kind": "Deployment",
                    "causes": [
                        [
                            "reason": "FieldValueInvalid", "message": "Invalid value: -1: must be greater than or equal to 0",
                            "field": "spec.replicas",
                        ]
                    ],
                ])
        let two = APIError.invalid(group: "", kind: "Pod", name: "p", errors: [.required("spec.a"), .forbidden("spec.b", "no")])
        #expect(two.message == "Pod \"p\" is invalid: [spec.a: Required value, spec.b: Forbidden: no]")
    }
}
