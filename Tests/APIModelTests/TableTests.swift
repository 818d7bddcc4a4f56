import Testing

@testable import APIModel

struct TableTests {
    private static let now: Whole = 1_767_323_045  // 2026-01-02T03:04:05Z

    private func row(_ resource: String, _ json: String) throws -> [String: Value] {
        let resource = try Sample.resource(resource)
        let table = Table.render(
            [try Sample.value(json)], resource: resource, includeObject: .none, listMetadata: ["resourceVersion": "7"], now: Self.now)
        #expect(table["columnDefinitions"].elements.count == resource.columns.count)
        return Dictionary(zip(resource.columns.map(\.name), table["rows"][0]["cells"].elements), uniquingKeysWith: { first, _ in first })
    }

    @Test(
        arguments: [
            (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (125, "2m5s"), (600, "10m"), (10_799, "179m"),
            (10_800, "3h"), (11_100, "3h5m"), (28_800, "8h"),
            (172_799, "47h"), (172_800, "2d"), (180_000, "2d2h"), (691_200, "8d"), (63_072_000, "2y"), (64_000_000, "2y10d"),
            (300_000_000, "9y"),
        ] as [(Whole, String)])
    func durations(seconds: Whole, expected: String) { #expect(HumanDuration.text(seconds: seconds) == expected) }

    private static let running = #"{"name":"c","ready":true,"restartCount":0,"state":{"running":{}}}"#

    @Test(arguments: [
        (#"{"phase":"Pending"}"#, "", "0/1", "Pending", "0"),
        (#"{"phase":"Running","containerStatuses":[\#(running)]}"#, "", "1/1", "Running", "0"),
        (
            #"{"phase":"Pending","containerStatuses":[{"name":"c","restartCount":0,"state":{"waiting":{"reason":"ImagePullBackOff"}}}]}"#,
            "", "0/1", "ImagePullBackOff", "0"
        ),
        (
            #"{"phase":"Running","containerStatuses":[{"name":"c","restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}},"lastState":{"terminated":{"finishedAt":"2026-01-02T02:59:05Z"}}}]}"#,
            "", "0/1",
            "CrashLoopBackOff", "3 (5m ago)"
        ),
        (
            #"{"phase":"Succeeded","containerStatuses":[{"name":"c","restartCount":0,"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}"#,
            "", "0/1", "Completed", "0"
        ),
        (
            #"{"phase":"Failed","containerStatuses":[{"name":"c","restartCount":0,"state":{"terminated":{"exitCode":2}}}]}"#, "", "0/1",
            "ExitCode:2", "0"
        ),
        (
            #"{"phase":"Running","containerStatuses":[\#(running)]}"#, #""deletionTimestamp":"2026-01-02T03:04:05Z","#, "1/1",
            "Terminating", "0"
        ),
        (#"{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"running":{}}}]}"#, "", "0/1", "Init:0/1", "0"),
        (
            #"{"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":1,"state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}"#,
            "", "0/1", "Init:Error", "1"
        ),
        (
            #"{"phase":"Pending","initContainerStatuses":[{"name":"i","restartCount":0,"state":{"waiting":{"reason":"PodInitializing"}}}]}"#,
            "", "0/1", "Init:0/1", "0"
        ),
        (#"{"phase":"Failed","reason":"Evicted"}"#, "", "0/1", "Evicted", "0"),
        (
            #"{"phase":"Pending","conditions":[{"type":"PodScheduled","reason":"SchedulingGated","status":"False"}]}"#, "", "0/1",
            "SchedulingGated", "0"
        ),
    ])
    func pods(status: String, extra: String, ready: String, state: String, restarts: String) throws {
        let cells = try row(
            "v1/pods",
            #"{"metadata":{"name":"p",\#(extra)"creationTimestamp":"2026-01-02T03:03:05Z"},"spec":{"initContainers":[{"name":"i"}],"containers":[{"name":"c"}]},"status":\#(status)}"#
        )
        #expect(cells["Name"] == "p")
        #expect(cells["Ready"] == .string(ready))
        #expect(cells["Status"] == .string(state))
        #expect(cells["Restarts"] == .string(restarts))
        #expect(cells["Age"] == "60s")
        #expect(cells["Node"] == "<none>")
    }

    @Test(
        arguments: [
            (
                "v1/services",
                #"{"metadata":{"name":"s"},"spec":{"type":"NodePort","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ports":[{"port":80,"nodePort":30080,"protocol":"TCP"}]}}"#,
                [
                    "Type": "NodePort", "Cluster-IP": "10.0.0.1", "External-IP": "<none>", "Port(s)": "80:30080/TCP", "Selector": "<none>",
                    "Age": "<unknown>",
                ]
            ),
            (
                "v1/services", #"{"metadata":{"name":"s"},"spec":{"type":"LoadBalancer","clusterIP":"None"}}"#,
                ["Cluster-IP": "None", "External-IP": "<pending>", "Port(s)": "<none>"]
            ),
            (
                "apps/v1/deployments",
                #"{"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"containers":[{"name":"x","image":"y"}]}}},"status":{"readyReplicas":2,"updatedReplicas":3,"availableReplicas":2}}"#,
                ["Ready": "2/3", "Up-to-date": 3, "Available": 2, "Containers": "x", "Images": "y", "Selector": "a=b"]
            ),
            (
                "v1/nodes",
                #"{"metadata":{"name":"n","labels":{"node-role.kubernetes.io/control-plane":""}},"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Ready","status":"True"}],"nodeInfo":{"kubeletVersion":"v1.36.2+apus"},"addresses":[{"type":"InternalIP","address":"10.1.1.1"}]}}"#,
                [
                    "Status": "Ready,SchedulingDisabled", "Roles": "control-plane", "Version": "v1.36.2+apus", "Internal-IP": "10.1.1.1",
                    "External-IP": "<none>",
                    "OS-Image": "<unknown>",
                ]
            ),
            ("v1/namespaces", #"{"metadata":{"name":"n"},"status":{"phase":"Active"}}"#, ["Status": "Active"]),
            ("v1/configmaps", #"{"data":{"a":"b"},"binaryData":{"c":""}}"#, ["Data": 2]),
            (
                "v1/events",
                #"{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","name":"p"},"type":"Normal","reason":"Started","message":" hi ","lastTimestamp":"2026-01-02T03:03:05Z","firstTimestamp":"2026-01-02T03:02:05Z","count":4,"source":{"component":"kubelet","host":"n"}}"#,
                [
                    "Last Seen": "60s", "Type": "Normal", "Reason": "Started", "Object": "pod/p", "Message": "hi", "First Seen": "2m",
                    "Count": 4, "Source": "kubelet, n",
                ]
            ),
            (
                "v1/endpoints", #"{"subsets":[{"addresses":[{"ip":"1.1.1.1"},{"ip":"1.1.1.2"}],"ports":[{"port":80},{"port":81}]}]}"#,
                ["Endpoints": "1.1.1.1:80,1.1.1.2:80,1.1.1.1:81 + 1 more..."]
            ),
            (
                "discovery.k8s.io/v1/endpointslices",
                #"{"addressType":"IPv4","ports":[{"port":80}],"endpoints":[{"addresses":["1.1.1.1"]}]}"#,
                ["AddressType": "IPv4", "Ports": "80", "Endpoints": "1.1.1.1"]
            ),
            (
                "batch/v1/jobs", #"{"spec":{"completions":3},"status":{"succeeded":1,"startTime":"2026-01-02T03:03:05Z"}}"#,
                ["Status": "Running", "Completions": "1/3", "Duration": "60s"]
            ),
            (
                "batch/v1/cronjobs", #"{"spec":{"schedule":"* * * * *","suspend":false}}"#,
                ["Schedule": "* * * * *", "Timezone": "<none>", "Suspend": "False", "Active": 0, "Last Schedule": "<none>"]
            ),
            (
                "v1/componentstatuses", #"{"conditions":[{"type":"Healthy","status":"True","message":"ok"}]}"#,
                ["Status": "Healthy", "Message": "ok", "Error": ""]
            ),
            (
                "rbac.authorization.k8s.io/v1/rolebindings",
                #"{"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"ServiceAccount","namespace":"n","name":"s"},{"kind":"User","name":"u"}]}"#,
                ["Role": "Role/r", "Users": "u", "Groups": "", "ServiceAccounts": "n/s"]
            ),
            (
                "autoscaling/v2/horizontalpodautoscalers",
                #"{"spec":{"scaleTargetRef":{"kind":"Deployment","name":"d"},"minReplicas":1,"maxReplicas":3,"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":80}}}]}}"#,
                ["Reference": "Deployment/d", "Targets": "cpu: <unknown>/80%", "MinPods": "1", "MaxPods": 3]
            ),
            (
                "storage.k8s.io/v1/storageclasses",
                #"{"metadata":{"name":"s","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},"provisioner":"p"}"#,
                ["Name": "s (default)", "AllowVolumeExpansion": false]
            ),
            (
                "storage.k8s.io/v1/csidrivers",
                #"{"metadata":{"name":"d"},"spec":{"tokenRequests":[{"audience":"a"},{"audience":"b"}],"volumeLifecycleModes":["Ephemeral"]}}"#,
                ["AttachRequired": true, "TokenRequests": "a,b", "RequiresRepublish": false, "Modes": "Ephemeral", "Age": "<unknown>"]
            ),
            (
                "policy/v1/poddisruptionbudgets", #"{"spec":{"minAvailable":2}}"#,
                ["Min Available": "2", "Max Unavailable": "N/A", "Allowed Disruptions": 0]
            ),
        ] as [(String, String, [String: Value])])
    func cells(resource: String, json: String, expected: [String: Value]) throws {
        let cells = try row(resource, json)
        for (name, value) in expected { #expect(cells[name] == value, "\(resource) \(name)") }
    }

    /// A column whose printer says nothing would be blank for ever.
    @Test func everyColumnHasAPrinter() throws {
        for resource in Catalogue.builtin.resources where !resource.columns.isEmpty && resource.verbs.contains("list") {
            let table = Table.render(
                [["metadata": ["name": "x"]]], resource: resource, includeObject: .metadata, listMetadata: .null, now: Self.now)
            #expect(table["rows"][0]["cells"].elements.count == resource.columns.count)
            #expect(table["rows"][0]["object"]["kind"] == "PartialObjectMetadata")
            #expect(Table.unprinted(resource) == [], "\(resource.qualifiedName)")
        }
    }

    @Test func customColumns() throws {
        var resource = try Sample.resource("v1/configmaps")
        func column(_ name: String, _ type: String, _ path: String) -> ResourceType.PrintColumn {
            ResourceType.PrintColumn(name: name, type: type, format: "", description: "", priority: 0, jsonPath: path)
        }
        resource.columns = [
            column("Ready", "string", #".status.conditions[?(@.type=="Ready")].status"#), column("Count", "integer", ".spec.count"),
            column("All", "string", ".spec.items[*].n"),
            column("Age", "date", ".metadata.creationTimestamp"), column("Dotted", "string", #".metadata.labels['a.b/c']"#),
            column("Second", "string", ".spec.items[1].n"),
            column("None", "string", ".spec.nope"),
        ]
        let object = try Sample.value(
            #"{"metadata":{"creationTimestamp":"2026-01-02T03:04:00Z","labels":{"a.b/c":"d"}},"spec":{"count":3,"items":[{"n":"x"},{"n":"y"}]},"status":{"conditions":[{"type":"Other","status":"False"},{"type":"Ready","status":"True"}]}}"#
        )
        let cells = Table.render([object], resource: resource, includeObject: .none, listMetadata: .null, now: Self.now)["rows"][0]["cells"]
        #expect(cells == .array(["True", 3, "x,y", "5s", "d", "y", .null]))
    }
}
