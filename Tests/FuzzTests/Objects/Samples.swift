import APIModel

/// Objects that the loops have most to do with, whole and valid, to begin with.
enum Samples {
    /// What of an object of this kind is beside its metadata; `nil` where the catalogue's types are enough to make one.
    static func content(_ kind: String, _ dice: inout Dice) -> Value? { contents[kind].map { dice.pick($0) } }

    private static let container: Value = [
        "name": "c", "image": "busybox", "command": ["sleep", "1"], "ports": [["name": "http", "containerPort": 80]],
        "env": [["name": "A", "value": "x"], ["name": "B", "value": "$(A)$(A)"]],
        "resources": ["requests": ["cpu": "10m", "memory": "1Mi"], "limits": ["cpu": "20m", "memory": "2Mi"]],
        "readinessProbe": ["tcpSocket": ["port": 80], "periodSeconds": 1, "timeoutSeconds": 1],
    ]
    private static let pod: Value = ["containers": [container], "terminationGracePeriodSeconds": 1]
    private static let template: Value = ["metadata": ["labels": ["app": "web"]], "spec": pod]
    private static let jobTemplate: Value = [
        "metadata": ["labels": ["app": "web"]], "spec": ["restartPolicy": "Never", "containers": [["name": "c", "image": "busybox"]]],
    ]
    private static let selector: Value = ["matchLabels": ["app": "web"]]
    private static let ports: Value = [
        ["name": "http", "port": 80, "targetPort": "http"], ["name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53],
    ]

    private static let contents: [String: [Value]] = [
        "Pod": [
            ["spec": pod], ["spec": ["nodeName": "n1", "containers": [container]]],
            [
                "spec": [
                    "nodeName": "gone", "containers": [container],
                    "tolerations": [["operator": "Exists", "tolerationSeconds": 1, "effect": "NoExecute"]],
                ]
            ],
            [
                "spec": [
                    "restartPolicy": "OnFailure", "activeDeadlineSeconds": 2,
                    "initContainers": [["name": "i", "image": "busybox", "command": ["true"]]],
                    "containers": [
                        [
                            "name": "c", "image": "busybox", "command": ["sh", "-c", "exit 3"],
                            "volumeMounts": [["name": "v", "mountPath": "/v"]],
                            "lifecycle": ["preStop": ["sleep": ["seconds": 1]]],
                            "livenessProbe": ["exec": ["command": ["false"]], "periodSeconds": 1],
                        ]
                    ],
                    "volumes": [
                        ["name": "v", "emptyDir": ["sizeLimit": "1Mi"]],
                        [
                            "name": "w",
                            "downwardAPI": [
                                "items": [
                                    ["path": "x", "resourceFieldRef": ["containerName": "c", "resource": "limits.cpu", "divisor": "1m"]]
                                ]
                            ],
                        ],
                    ],
                ]
            ],
        ],
        "Deployment": [
            ["spec": ["replicas": 2, "selector": selector, "template": template]],
            [
                "spec": [
                    "replicas": 3, "progressDeadlineSeconds": 5, "minReadySeconds": 1, "revisionHistoryLimit": 1, "selector": selector,
                    "strategy": ["type": "RollingUpdate", "rollingUpdate": ["maxSurge": "50%", "maxUnavailable": 1]], "template": template,
                ]
            ],
            ["spec": ["selector": selector, "strategy": ["type": "Recreate"], "template": template]],
        ],
        "ReplicaSet": [["spec": ["replicas": 2, "selector": selector, "template": template]]],
        "ReplicationController": [["spec": ["replicas": 1, "selector": ["app": "web"], "template": template]]],
        "StatefulSet": [["spec": ["serviceName": "web", "replicas": 1, "selector": selector, "template": template]]],
        "DaemonSet": [["spec": ["selector": selector, "template": template]]],
        "Job": [["spec": ["completions": 1, "template": jobTemplate]]],
        "CronJob": [["spec": ["schedule": "* * * * *", "jobTemplate": ["spec": ["template": jobTemplate]]]]],
        "Service": [
            ["spec": ["selector": ["app": "web"], "ports": ports]],
            ["spec": ["type": "NodePort", "ports": ports, "sessionAffinity": "ClientIP"]],
            ["spec": ["type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": ["app": "web"], "ports": ports]],
            ["spec": ["clusterIP": "None", "selector": ["app": "web"], "ports": ports]],
            ["spec": ["type": "ExternalName", "externalName": "example.com"]],
        ],
        "EndpointSlice": [
            [
                "addressType": "IPv4", "ports": [["name": "http", "port": 80, "protocol": "TCP"]],
                "endpoints": [["addresses": ["10.1.2.3"], "nodeName": "n1", "conditions": ["ready": true]]],
            ]
        ],
        "Endpoints": [["subsets": [["addresses": [["ip": "10.1.2.3"]], "ports": [["name": "http", "port": 80]]]]]],
        "Node": [
            [
                "spec": ["podCIDR": "10.2.0.0/24"],
                "status": [
                    "capacity": ["cpu": "4", "memory": "8Gi", "pods": "110"], "allocatable": ["cpu": "4", "memory": "8Gi", "pods": "110"],
                    "conditions": [["type": "Ready", "status": "True"]],
                ],
            ],
            ["spec": ["unschedulable": true, "taints": [["key": "a", "effect": "NoExecute"]]]],
        ],
        "Lease": [
            [
                "spec": [
                    "holderIdentity": "a", "leaseDurationSeconds": 40, "leaseTransitions": 1, "renewTime": "2026-01-02T03:04:05.000000Z",
                ]
            ]
        ],
        "PodDisruptionBudget": [
            ["spec": ["minAvailable": 1, "selector": selector]], ["spec": ["maxUnavailable": "50%", "selector": selector]],
        ],
        "HorizontalPodAutoscaler": [
            [
                "spec": [
                    "minReplicas": 1, "maxReplicas": 3, "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"],
                ]
            ]
        ],
        "ConfigMap": [["data": ["a": "b"]]],
        "Secret": [["stringData": ["a": "b"]], ["type": "kubernetes.io/dockerconfigjson", "data": [".dockerconfigjson": "e30="]]],
        "Namespace": [[:]], "ServiceAccount": [[:]], "PriorityClass": [["value": 100]],
        "PersistentVolumeClaim": [["spec": ["accessModes": ["ReadWriteOnce"], "resources": ["requests": ["storage": "1Gi"]]]]],
        "PersistentVolume": [
            ["spec": ["accessModes": ["ReadWriteOnce"], "capacity": ["storage": "1Gi"], "hostPath": ["path": "/nonexistent"]]]
        ],
        "StorageClass": [["provisioner": "example.com/p"]],
        "Event": [
            [
                "involvedObject": ["kind": "Pod", "name": "web", "namespace": "default"], "reason": "A", "message": "m", "type": "Normal",
                "count": 1, "lastTimestamp": "2026-01-02T03:04:05Z",
            ]
        ],
        "Role": [["rules": [["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]]]]],
        "ClusterRole": [
            ["rules": [["apiGroups": [""], "resources": ["pods"], "verbs": ["get"]]]],
            ["aggregationRule": ["clusterRoleSelectors": [["matchLabels": ["app": "web"]]]]],
        ],
        "RoleBinding": [
            [
                "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"],
                "subjects": [["kind": "ServiceAccount", "name": "default", "namespace": "default"]],
            ]
        ],
        "ResourceQuota": [["spec": ["hard": ["pods": "10", "requests.cpu": "1"]]]],
        "LimitRange": [["spec": ["limits": [["type": "Container", "default": ["cpu": "1"]]]]]],
        "CustomResourceDefinition": [
            [
                "spec": [
                    "group": "example.com", "scope": "Namespaced", "names": ["plural": "things", "singular": "thing", "kind": "Thing"],
                    "versions": [
                        [
                            "name": "v1", "served": true, "storage": true, "subresources": ["status": .emptyObject],
                            "additionalPrinterColumns": [
                                ["name": "N", "type": "integer", "jsonPath": ".spec.n"],
                                ["name": "D", "type": "date", "jsonPath": ".spec.items[*].when"],
                            ],
                            "schema": [
                                "openAPIV3Schema": [
                                    "type": "object",
                                    "properties": [
                                        "spec": [
                                            "type": "object", "properties": ["n": ["type": "integer", "minimum": 0]],
                                            "x-kubernetes-preserve-unknown-fields": true,
                                        ]
                                    ],
                                ]
                            ],
                        ]
                    ],
                ]
            ]
        ],
    ]
}
