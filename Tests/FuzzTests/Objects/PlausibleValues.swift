import APIModel

/// What stands in fields of such a name in objects that mean something, so that many of those made here are accepted.
enum PlausibleValues {
    static let names = ["a", "b", "web", "default", "kubernetes"]

    static let byField: [String: [Value]] = [
        "name": ["a", "b", "web", "c", "http"], "generateName": ["g-"], "namespace": ["default"], "image": ["busybox", "missing/image"],
        "containerName": ["c"], "nodeName": ["n1", "n2"], "serviceAccountName": ["default", "a"], "schedulerName": ["default-scheduler"],
        "command": [["sleep", "1"], ["false"], ["sh", "-c", "exit 9223372036854775807"], ["sleep", "1e300"]],
        "restartPolicy": ["Always", "Never", "OnFailure"], "dnsPolicy": ["Default", "ClusterFirst", "None"],
        "protocol": ["TCP", "UDP", "SCTP"],
        "type": [
            "ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "RollingUpdate", "Recreate", "Ready", "Opaque", "InternalIP",
            "Utilization", "Pods",
        ],
        "operator": ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Equal"],
        "effect": ["NoSchedule", "NoExecute", "PreferNoSchedule"],
        "key": ["app", "node.kubernetes.io/unreachable", "kubernetes.io/hostname", "a"], "value": ["web", "a", ""],
        "phase": ["Pending", "Running", "Succeeded", "Failed", "Unknown"],
        "status": ["True", "False", "Unknown"],
        "reason": ["Because", "NewReplicaSetAvailable", "DeploymentPaused", "ProgressDeadlineExceeded"],
        "kind": ["Pod", "Deployment", "ReplicaSet", "Node", "Service", "ConfigMap"], "apiVersion": ["v1", "apps/v1"],
        "apiGroup": ["", "apps", "rbac.authorization.k8s.io"],
        "uid": ["1", "2"], "schedule": ["* * * * *", "0 0 31 2 *"], "clusterIP": ["None", "10.96.0.9", ""],
        "clusterIPs": [["None"], ["10.96.0.9"]],
        "ip": ["10.1.2.3", "fd00::1"], "podIP": ["10.1.2.3"], "hostIP": ["10.1.0.2", "0.0.0.0"], "addresses": [["10.1.2.3"], ["10.1.2.4"]],
        "addressType": ["IPv4", "IPv6", "FQDN"], "ipFamilies": [["IPv4"], ["IPv6"]], "externalIPs": [["192.0.2.1"]],
        "topologyKey": ["kubernetes.io/hostname"],
        "whenUnsatisfiable": ["DoNotSchedule", "ScheduleAnyway"], "externalTrafficPolicy": ["Local", "Cluster"],
        "internalTrafficPolicy": ["Local", "Cluster"],
        "sessionAffinity": ["ClientIP", "None"], "imagePullPolicy": ["Always", "IfNotPresent", "Never"],
        "terminationMessagePolicy": ["File", "FallbackToLogsOnError"],
        "mountPath": ["/x", "/y"], "path": ["/x", "x", "y/z"], "medium": ["", "Memory"],
        "fieldPath": ["metadata.name", "metadata.labels['app']", "status.podIP"],
        "resource": ["limits.cpu", "requests.memory", "pods", "cpu"], "scheme": ["HTTP", "HTTPS"], "policy": ["Local"], "provider": ["a"],
        "verbs": [["get"], ["*"]],
        "apiGroups": [[""], ["*"]], "resources": [["pods"], ["*"]], "finalizers": [["example.com/f"], []], "spec.hostname": ["h"],
        "subPath": ["s"],
        "targetPort": ["http", 80, 8080], "port": [80, 443, 8080], "containerPort": [80, 8080], "hostPort": [38_081],
        "nodePort": [30_080, 0],
        "replicas": [0, 1, 2, 3], "maxSurge": [1, "25%", 0], "maxUnavailable": [1, "25%", 0], "minAvailable": [1, "50%"],
        "minReadySeconds": [0, 1],
        "deletionGracePeriodSeconds": [0, 1], "terminationGracePeriodSeconds": [0, 1, 30], "seconds": [0, 1],
        "provisioner": ["example.com/p"],
        "driverName": ["example.com"], "driver": ["example.com"], "signerName": ["kubernetes.io/kube-apiserver-client"],
        "scope": ["Namespaced", "Cluster"],
        "completionMode": ["Indexed", "NonIndexed"], "concurrencyPolicy": ["Allow", "Forbid", "Replace"],
        "volumeMode": ["Filesystem", "Block"],
        "accessModes": [["ReadWriteOnce"]], "storageClassName": ["a", ""], "hostUsers": [true], "hostNetwork": [false],
        "paused": [true, false],
        "controller": [true], "blockOwnerDeletion": [true], "ready": [true, false], "serving": [true, false], "terminating": [true, false],
    ]

    /// Such labels on everything, and such selectors, so that selectors find something.
    static let labels: [Value] = [["app": "web"], ["app": "web", "kubernetes.io/service-name": "web"], ["app": "db"], .emptyObject]
}
