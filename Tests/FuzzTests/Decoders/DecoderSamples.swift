import APIModel

/// Objects, patches and answers that decoders are fuzzed from.
enum DecoderSamples {
    /// The first one is the pod that patches change.
    static let objects: [Value] = {
        var dice = Dice(seed: 0)
        let metadata: Value = [
            "name": "web", "namespace": "default", "uid": "5e9b1a6e-0000-4000-8000-000000000001", "labels": ["app": "web"],
            "annotations": ["a": "b"], "creationTimestamp": "2026-01-02T03:04:05Z", "resourceVersion": "1", "finalizers": ["example.com/f"],
        ]
        let kinds = [
            "Pod", "Deployment", "Service", "Node", "Job", "EndpointSlice", "Secret", "CustomResourceDefinition", "Lease",
            "HorizontalPodAutoscaler",
        ]
        return kinds.compactMap { kind in
            guard let resource = Catalogue.builtin.resources.first(where: { $0.kind == kind }), var object = Samples.content(kind, &dice)
            else { return nil }
            object["apiVersion"] = .string(resource.groupVersion.description)
            object["kind"] = .string(kind)
            object["metadata"] = metadata
            if !resource.isNamespaced { object["metadata"]["namespace"] = .null }
            if kind == "Pod" {
                object["status"] = [
                    "phase": "Running", "startTime": "2026-01-02T03:04:05Z",
                    "containerStatuses": [
                        [
                            "name": "c", "ready": true, "restartCount": 1, "image": "busybox",
                            "lastState": ["terminated": ["exitCode": 1, "finishedAt": "2026-01-02T03:04:05Z"]],
                            "state": ["running": .emptyObject],
                        ]
                    ],
                ]
            }
            return object
        }
    }()

    static let yaml = """
        # A comment
        a: &x [1, 2.5, 0x1F, "q\\u00e9", 'it''s', ~, yes]
        b: *x
        c: |
          two
          lines
        d: {e: >-
          folded
          text}
        ? k
        : - 1
          - {}
        ---
        second: true
        """

    static let jsonPatches: [Value] = [
        [["op": "add", "path": "/metadata/labels/x", "value": "y"], ["op": "remove", "path": "/metadata/annotations/a"]],
        [["op": "replace", "path": "/spec/containers/0/image", "value": "other"], ["op": "test", "path": "/kind", "value": "Pod"]],
        [
            ["op": "copy", "from": "/spec", "path": "/spec/copy"],
            ["op": "move", "from": "/metadata/labels", "path": "/metadata/annotations"],
        ],
        [
            ["op": "add", "path": "/spec/containers/-", "value": ["name": "d"]],
            ["op": "copy", "from": "/spec/containers/0", "path": "/spec/containers/1"],
        ],
    ]

    static let mergePatches: [Value] = [
        ["metadata": ["labels": ["x": "y", "app": .null]]], ["spec": ["containers": [["name": "c", "image": "other"]]]],
        ["status": .null, "spec": ["nodeName": "n1"]],
    ]

    static let strategicPatches: [Value] = [
        [
            "spec": [
                "containers": [["name": "c", "$patch": "delete"], ["name": "d", "image": "e"]],
                "$setElementOrder/containers": [["name": "d"], ["name": "c"]],
            ]
        ],
        ["spec": ["containers": [["name": "c", "ports": [["containerPort": 80, "$patch": "delete"], ["containerPort": 81]]]]]],
        [
            "metadata": ["$deleteFromPrimitiveList/finalizers": ["example.com/f"], "finalizers": ["g"]],
            "spec": ["$patch": "replace", "containers": []],
        ],
        ["spec": ["volumes": [["name": "v", "$retainKeys": ["name", "emptyDir"], "emptyDir": .emptyObject]]]],
    ]

    static let runtimeAnswers: [(String, Value)] = [
        (
            "ListPodSandboxResponse",
            [
                "items": [
                    [
                        "id": "s", "metadata": ["name": "web", "uid": "1", "namespace": "default", "attempt": 1], "state": 0,
                        "created_at": 1_700_000_000_000_000_000, "labels": ["io.kubernetes.pod.uid": "1"],
                    ]
                ]
            ]
        ),
        (
            "ListContainersResponse",
            [
                "containers": [
                    [
                        "id": "c", "pod_sandbox_id": "s", "metadata": ["name": "c", "attempt": 2], "state": 1, "created_at": 1,
                        "labels": ["io.kubernetes.container.name": "c"],
                    ]
                ]
            ]
        ),
        (
            "PodSandboxStatusResponse",
            [
                "status": [
                    "id": "s", "network": ["ip": "10.1.2.3", "additional_ips": [["ip": "fd00::1"]]],
                    "linux": ["namespaces": ["options": ["network": 2]]],
                ]
            ]
        ),
        (
            "ContainerStatusResponse",
            [
                "status": [
                    "id": "c", "state": 2, "created_at": 1, "started_at": 2, "finished_at": 3, "exit_code": -1,
                    "image": ["image": "busybox"], "image_ref": "sha256:1", "reason": "Error", "message": "m", "log_path": "/x",
                ]
            ]
        ),
        (
            "StatusResponse",
            [
                "status": ["conditions": [["type": "RuntimeReady", "status": true]]],
                "runtime_handlers": [["name": "runc", "features": ["recursive_read_only_mounts": true]]],
            ]
        ),
        (
            "ImageFsInfoResponse",
            [
                "image_filesystems": [
                    ["timestamp": 1, "used_bytes": ["value": 1], "inodes_used": ["value": 2], "fs_id": ["mountpoint": "/"]]
                ]
            ]
        ),
        (
            "ListContainerStatsResponse",
            [
                "stats": [
                    [
                        "attributes": ["id": "c"], "cpu": ["timestamp": 1, "usage_core_nano_seconds": ["value": 9]],
                        "memory": ["working_set_bytes": ["value": 1]],
                    ]
                ]
            ]
        ),
        ("ExecSyncResponse", ["stdout": "YQ==", "exit_code": 1]),
    ]

    static let definitions: [Value] = {
        var dice = Dice(seed: 0)
        var definition = Samples.content("CustomResourceDefinition", &dice) ?? .emptyObject
        definition["metadata"] = ["name": "things.example.com"]
        let schemas: [Value] = [
            [
                "type": "object",
                "properties": [
                    "spec": [
                        "type": "object", "required": ["n"],
                        "properties": [
                            "n": ["type": "integer", "minimum": 0, "maximum": 10, "exclusiveMaximum": true, "multipleOf": 2, "default": 2],
                            "s": [
                                "type": "string", "pattern": "^a+$", "maxLength": 5, "minLength": 1, "format": "date-time",
                                "enum": ["a", "aa"],
                            ],
                            "l": [
                                "type": "array", "maxItems": 3, "uniqueItems": false, "x-kubernetes-list-type": "map",
                                "x-kubernetes-list-map-keys": ["k"],
                                "items": ["type": "object", "required": ["k"], "properties": ["k": ["type": "string"]]],
                            ],
                            "m": ["type": "object", "maxProperties": 2, "additionalProperties": ["type": "number"]],
                            "i": ["x-kubernetes-int-or-string": true, "anyOf": [["type": "integer"], ["type": "string"]]],
                            "e": ["type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true],
                            "x": [
                                "type": "string", "nullable": true, "not": ["enum": ["bad"]],
                                "oneOf": [["minLength": 1], ["maxLength": 0]],
                            ],
                        ],
                        "x-kubernetes-validations": [["rule": "self.n < 5 || self.s.startsWith('a')", "message": "no"]],
                    ], "status": ["type": "object", "x-kubernetes-preserve-unknown-fields": true],
                ],
            ]
        ]
        return [definition]
            + schemas.map { schema in
                var other = definition
                other["spec"]["versions"] = [["name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": schema]]]
                return other
            }
    }()

    static let customObjects: [Value] = [
        [
            "apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "a", "creationTimestamp": "2026-01-02T03:04:05Z"],
            "spec": [
                "n": 3, "s": "aaa", "l": [["k": "a"], ["k": "a"], 1], "m": ["a": 1.5, "b": "x"], "i": "25%",
                "e": ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": 1]],
                "x": .null, "items": [["when": "2026-01-02T03:04:05Z"]], "unknown": [[["deep": 9_223_372_036_854_775_807]]],
            ],
        ],
        [
            "apiVersion": "example.com/v1", "kind": "Thing", "metadata": "x",
            "spec": ["n": 1e300, "s": 1, "l": .emptyObject, "m": [], "i": true, "e": "x"],
        ],
        ["spec": []],
    ]
}
