import APIModel
import OrderedCollections
import Testing

struct DefaultingTests {
    @Test func deployment() throws {
        let object = try Sample.object(Sample.resource("apps/v1/deployments"), Sample.deployment)
        let expected = """
            {"progressDeadlineSeconds":600,"replicas":3,"revisionHistoryLimit":10,"selector":{"matchLabels":{"app":"web"}},
             "strategy":{"rollingUpdate":{"maxSurge":"25%","maxUnavailable":"25%"},"type":"RollingUpdate"},
             "template":{"metadata":{"labels":{"app":"web"}},
               "spec":{"containers":[{"env":[{"name":"A","value":"1"}],"image":"example/web:1","imagePullPolicy":"IfNotPresent","name":"web","ports":[{"containerPort":80,"protocol":"TCP"}],
                        "resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],
                       "dnsPolicy":"ClusterFirst","restartPolicy":"Always","schedulerName":"default-scheduler","securityContext":{},"terminationGracePeriodSeconds":30}}}
            """
        #expect(object["spec"] == (try Sample.value(expected)))
        #expect(object["status"] == .emptyObject)
    }

    @Test(arguments: [
        ("example/web", "Always"), ("example/web:latest", "Always"), ("example/web:1", "IfNotPresent"), ("host:5000/web", "Always"),
        ("host:5000/web:2", "IfNotPresent"),
        ("web@sha256:0000", "IfNotPresent"), ("web:latest@sha256:0000", "Always"), ("web:1@sha256:0000", "IfNotPresent"),
    ])
    func pullPolicy(image: String, policy: String) throws {
        let pod = try Sample.object(
            Sample.resource("v1/pods"), #"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"\#(image)"}]}}"#)
        #expect(pod["spec"]["containers"][0]["imagePullPolicy"].string == policy)
    }

    @Test(
        "One address or network and its list agree",
        arguments: [
            (#""podCIDR":"10.0.0.0/24""#, ["10.0.0.0/24"]), (#""podCIDRs":["fd00::/64","10.0.0.0/24"]"#, ["fd00::/64", "10.0.0.0/24"]),
            (#""podCIDR":"10.0.0.0/24","podCIDRs":["10.0.1.0/24","fd00::/64"]"#, ["10.0.0.0/24"]),
            (#""podCIDR":"10.0.0.0/24","podCIDRs":["10.0.0.0/24","fd00::/64"]"#, ["10.0.0.0/24", "fd00::/64"]),
        ] as [(String, [String])])
    func podCIDRs(fields: String, list: [String]) throws {
        let spec = try Sample.object(Sample.resource("v1/nodes"), #"{"metadata":{"name":"n"},"spec":{\#(fields)}}"#)["spec"]
        #expect(spec["podCIDRs"] == Value(list) && spec["podCIDR"].string == list[0])
    }

    @Test(
        arguments: [
            (#""podIP":"10.0.0.1""#, ["10.0.0.1"]), (#""podIPs":[{"ip":"fd00::1"},{"ip":"10.0.0.1"}]"#, ["fd00::1", "10.0.0.1"]),
            (#""podIP":"10.0.0.2","podIPs":[{"ip":"10.0.0.1"},{"ip":"fd00::1"}]"#, ["10.0.0.2"]),
        ] as [(String, [String])])
    func podIPs(fields: String, list: [String]) throws {
        let pod = try Sample.object(
            Sample.resource("v1/pods"),
            #"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]},"status":{\#(fields)}}"#)
        #expect(pod["status"]["podIPs"].elements.compactMap { $0["ip"].string } == list && pod["status"]["podIP"].string == list[0])
    }

    /// What Go holds by value is there, even where nobody wrote it; a list without `omitempty` is null.
    @Test(
        arguments: [
            (
                "resource.k8s.io/v1/resourceclaimtemplates", #""spec":{"spec":{}}"#,
                #"{"spec":{"metadata":{},"spec":{"devices":{}}}}"#
            ),
            ("resource.k8s.io/v1beta1/resourceclaims", #""spec":{}"#, #"{"spec":{"devices":{}}}"#),
            (
                "autoscaling/v2/horizontalpodautoscalers", #""status":{"desiredReplicas":1}"#,
                #"{"status":{"currentMetrics":null,"desiredReplicas":1}}"#
            ),
        ])
    func heldByValue(resource: String, fields: String, expected: String) throws {
        let object = try Sample.object(Sample.resource(resource), #"{"metadata":{"name":"x"},\#(fields)}"#)
        for (name, value) in try Sample.value(expected).fields {
            #expect(object[name] == value, "\(resource)")
        }
    }

    @Test func pod() throws {
        let pod = try Sample.object(
            Sample.resource("v1/pods"),
            """
            {"metadata":{"name":"p"},"spec":{"hostNetwork":true,"serviceAccountName":"s","volumes":[{"name":"e"},{"name":"h","hostPath":{"path":"/x"}},
              {"name":"t","projected":{"sources":[{"serviceAccountToken":{"path":"token"}},{"downwardAPI":{"items":[{"path":"n","fieldRef":{"fieldPath":"metadata.name"}}]}}]}}],
             "containers":[{"name":"c","image":"i:1","ports":[{"containerPort":80}],"resources":{"limits":{"cpu":"1"}},"livenessProbe":{"httpGet":{"port":80}}}]}}
            """)
        let spec = pod["spec"]
        let container = spec["containers"][0]
        #expect(spec["enableServiceLinks"] == true)
        #expect(spec["serviceAccount"] == "s")
        #expect(container["ports"] == [["containerPort": 80, "hostPort": 80, "protocol": "TCP"]])
        #expect(container["resources"] == ["limits": ["cpu": "1"], "requests": ["cpu": "1"]])
        #expect(
            container["livenessProbe"]
                == [
                    "httpGet": ["port": 80, "path": "/", "scheme": "HTTP"], "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
                    "failureThreshold": 3,
                ])
        #expect(spec["volumes"][0] == ["name": "e", "emptyDir": .emptyObject])
        #expect(spec["volumes"][1]["hostPath"] == ["path": "/x", "type": ""])
        #expect(spec["volumes"][2]["projected"]["defaultMode"] == 420)
        #expect(spec["volumes"][2]["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 3600)
        #expect(spec["volumes"][2]["projected"]["sources"][1]["downwardAPI"]["items"][0]["fieldRef"]["apiVersion"] == "v1")
    }

    @Test func aClaimsTwoFieldsForOneThing() throws {
        let claims = try Sample.resource("v1/persistentvolumeclaims")
        let source: Value = ["kind": "PersistentVolumeClaim", "name": "x"]
        for field in ["dataSource", "dataSourceRef"] {
            let json = #"{"metadata":{"name":"c"},"spec":{"\#(field)":{"kind":"PersistentVolumeClaim","name":"x"}}}"#
            let claim = try Sample.object(claims, json)
            #expect(claim["spec"]["dataSource"] == source && claim["spec"]["dataSourceRef"] == source, "\(field)")
        }
        let json = #"{"metadata":{"name":"c"},"spec":{"dataSourceRef":{"kind":"X","name":"x","namespace":"n","apiGroup":"a.b"}}}"#
        #expect(try Sample.object(claims, json)["spec"]["dataSource"].isNull)
    }

    @Test func lessThanNoTimeToEnd() throws {
        let json = #"{"metadata":{"name":"p"},"spec":{"terminationGracePeriodSeconds":-5,"containers":[{"name":"c","image":"i"}]}}"#
        #expect(try Sample.object(Sample.resource("v1/pods"), json)["spec"]["terminationGracePeriodSeconds"] == 1)
    }

    @Test func service() throws {
        let service = try Sample.object(
            Sample.resource("v1/services"), #"{"metadata":{"name":"s"},"spec":{"type":"NodePort","ports":[{"port":80}]}}"#)
        #expect(
            service["spec"]
                == [
                    "type": "NodePort", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster", "externalTrafficPolicy": "Cluster",
                    "ports": [["port": 80, "protocol": "TCP", "targetPort": 80]],
                ])
        #expect(service["status"] == ["loadBalancer": .emptyObject])
    }

    @Test(
        arguments: [
            (
                "batch/v1/jobs", #"{"spec":{"template":{"metadata":{"labels":{"a":"b"}},"spec":{}}}}"#,
                ["completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false]
            ),
            (
                "batch/v1/cronjobs", #"{"spec":{"schedule":"* * * * *"}}"#,
                ["concurrencyPolicy": "Allow", "suspend": false, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1]
            ),
            (
                "apps/v1/statefulsets", #"{"spec":{}}"#,
                [
                    "replicas": 1, "podManagementPolicy": "OrderedReady", "revisionHistoryLimit": 10,
                    "updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["partition": 0]],
                ]
            ),
            (
                "apps/v1/daemonsets", #"{"spec":{}}"#,
                [
                    "updateStrategy": ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": 1, "maxSurge": 0]],
                    "revisionHistoryLimit": 10,
                ]
            ),
            ("networking.k8s.io/v1/networkpolicies", #"{"spec":{"egress":[{}]}}"#, ["policyTypes": ["Ingress", "Egress"]]),
            ("v1/persistentvolumeclaims", #"{"spec":{}}"#, ["volumeMode": "Filesystem"]),
        ] as [(String, String, Value)])
    func specs(resource: String, json: String, expected: Value) throws {
        let object = try Sample.object(Sample.resource(resource), json)
        for (name, value) in expected.fields { #expect(object["spec"][name] == value, "\(name)") }
    }

    @Test func topLevelFields() throws {
        #expect(try Sample.object(Sample.resource("v1/secrets"), "{}")["type"] == "Opaque")
        let binding = try Sample.object(
            Sample.resource("rbac.authorization.k8s.io/v1/rolebindings"),
            #"{"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","name":"s"}]}"#)
        #expect(binding["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io")
        #expect(binding["subjects"][0]["apiGroup"] == "rbac.authorization.k8s.io")
        #expect(binding["subjects"][1]["apiGroup"].isNull)
        let namespace = try Sample.object(Sample.resource("v1/namespaces"), #"{"metadata":{"name":"n"}}"#)
        #expect(namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] == "n")
        #expect(namespace["status"]["phase"] == "Active")
    }

    @Test func isIdempotentForEveryKind() throws {
        for resource in Catalogue.builtin.resources {
            var once: Value = ["metadata": ["name": "x"], "spec": .emptyObject]
            Defaulting.apply(&once, resource: resource)
            var twice = once
            Defaulting.apply(&twice, resource: resource)
            #expect(once == twice, "\(resource.qualifiedName)")
        }
    }
}
