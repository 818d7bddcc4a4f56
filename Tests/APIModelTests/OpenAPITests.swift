import OrderedCollections
import Testing

@testable import APIModel

struct OpenAPITests {
    private let apps = OpenAPI.v3(groupVersion: GroupVersion(group: "apps", version: "v1"), kinds: .builtin)

    @Test func schemas() {
        let deployment = apps["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
        #expect(deployment["x-kubernetes-group-version-kind"] == [["group": "apps", "version": "v1", "kind": "Deployment"]])
        #expect(
            deployment["properties"]["spec"]["allOf"] == [["$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec"]])
        let containers = apps["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
        #expect(containers["x-kubernetes-patch-merge-key"] == "name")
        #expect(containers["x-kubernetes-patch-strategy"] == "merge")
        #expect(containers["x-kubernetes-list-type"] == "map")
        #expect(containers["x-kubernetes-list-map-keys"] == ["name"])
        #expect(
            apps["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]["volumes"]["x-kubernetes-patch-strategy"]
                == "merge,retainKeys")
    }

    /// What is described must exist, and a type that is described is described whole.
    @Test func descriptions() {
        let common = Descriptions.all.entries["*"]?.fields ?? [:]
        for (name, entry) in Descriptions.all.entries where name != "*" {
            let type = Catalogue.builtin.type(named: name)
            #expect(type != nil, "\(name) is described and no type")
            for field in entry.fields.keys { #expect(type?.field(field) != nil, "\(name).\(field) is described and no field") }
            for field in type?.fields ?? [] where common[field.name] == nil {
                #expect(entry.fields[field.name] != nil, "\(name).\(field.name) is not described")
            }
        }
        let deployment = apps["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
        #expect(deployment["properties"]["apiVersion"]["description"].string?.hasPrefix("APIVersion defines") == true)
        let container = apps["components"]["schemas"]["io.k8s.api.core.v1.EphemeralContainer"]["properties"]
        #expect(container["image"]["description"] == "The image to run.")
    }

    @Test func pathsOfAWorkload() {
        let item = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
        #expect(item["patch"]["x-kubernetes-group-version-kind"] == ["group": "apps", "version": "v1", "kind": "Deployment"])
        #expect(!item["patch"]["requestBody"]["content"]["application/strategic-merge-patch+json"].isNull)
        #expect(item["patch"]["parameters"].elements.contains { $0["name"] == "fieldValidation" })
        #expect(item["get"]["operationId"] == "readAppsV1NamespacedDeployment")
        let list = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments"]["get"]
        #expect(
            list["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
                == "#/components/schemas/io.k8s.api.apps.v1.DeploymentList")
        #expect(!apps["paths"]["/apis/apps/v1/deployments"]["get"].isNull)
        #expect(list["tags"] == ["apps_v1"] && !list["responses"]["200"]["content"]["application/json;stream=watch"].isNull)
        let collection = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments"]["delete"]
        #expect(collection["operationId"] == "deleteAppsV1CollectionNamespacedDeployment")
        #expect(!collection["requestBody"]["content"]["*/*"].isNull)
        #expect(!apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["put"].isNull)
    }

    @Test func whatGeneratorsReadOfTheCore() {
        let core = OpenAPI.v3(groupVersion: GroupVersion(group: "", version: "v1"), kinds: .builtin)
        let schemas = core["components"]["schemas"]
        let spec = schemas["io.k8s.api.core.v1.PodSpec"]["properties"]
        #expect(spec["restartPolicy"]["enum"] == ["Always", "Never", "OnFailure"])
        #expect(schemas["io.k8s.api.core.v1.NodeStatus"]["properties"]["phase"]["enum"] == ["Pending", "Running", "Terminated"])
        #expect(schemas["io.k8s.api.core.v1.LocalObjectReference"]["x-kubernetes-map-type"] == "atomic")
        #expect(spec["imagePullSecrets"]["x-kubernetes-map-type"].isNull)
        #expect(schemas["io.k8s.api.core.v1.PodList"]["properties"]["items"]["x-kubernetes-list-type"].isNull)
        let proxy = core["paths"]["/api/v1/namespaces/{namespace}/pods/{name}/proxy"]["post"]
        #expect(proxy["operationId"] == "connectCoreV1PostNamespacedPodProxy" && proxy["x-kubernetes-action"] == "connect")
        #expect(proxy["requestBody"].isNull)
    }

    /// The default that the newer form tells of a field, null for none. The older form tells of none.
    @Test(
        arguments: [
            ("PodSpec", "containers", .null), ("PodSpec", "restartPolicy", .null), ("Pod", "spec", .emptyObject),
            ("PodSpec", "securityContext", .null), ("Container", "name", ""), ("Container", "image", .null),
            ("Container", "resources", .emptyObject), ("ContainerPort", "protocol", "TCP"), ("ContainerPort", "containerPort", 0),
            ("ContainerStatus", "ready", false), ("LocalObjectReference", "name", ""), ("ObjectReference", "name", .null),
            ("AzureDiskVolumeSource", "readOnly", false), ("ReplicationControllerSpec", "replicas", 1),
            ("ServicePort", "targetPort", .null),
            ("ServiceSpec", "type", .null), ("GRPCAction", "service", ""),
        ] as [(String, String, Value)])
    func defaults(type: String, field: String, value: Value) {
        let name = "io.k8s.api.core.v1." + type
        let property = Self.core["components"]["schemas"][name]["properties"][field]
        #expect(property["type"].string != nil || !property["allOf"].isNull)
        #expect(property["default"] == value)
        #expect(Self.all["definitions"][name]["properties"][field]["default"].isNull)
    }

    /// What is in a list stands alone, so it is referred to as it is.
    @Test func elementsAreReferredToDirectly() {
        let spec = Self.core["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]
        #expect(spec["containers"]["items"] == ["$ref": "#/components/schemas/io.k8s.api.core.v1.Container"])
        #expect(
            spec["overhead"]["additionalProperties"] == ["$ref": "#/components/schemas/io.k8s.apimachinery.pkg.api.resource.Quantity"])
    }

    /// What is done at a path, by its operationId: the type of the answer, and what may be asked for in the query.
    @Test(
        arguments: [
            ("/api/v1/", "get", "getCoreV1APIResources", "APIResourceList", []),
            (
                "/api/v1/watch/pods", "get", "watchCoreV1PodListForAllNamespaces", "WatchEvent",
                ["allowWatchBookmarks", "shardSelector", "watch"]
            ),
            ("/api/v1/watch/namespaces/{namespace}/pods", "get", "watchCoreV1NamespacedPodList", "WatchEvent", ["timeoutSeconds"]),
            (
                "/api/v1/watch/namespaces/{namespace}/pods/{name}", "get", "watchCoreV1NamespacedPod", "WatchEvent",
                ["fieldSelector", "pretty"]
            ),
            ("/api/v1/watch/nodes/{name}", "get", "watchCoreV1Node", "WatchEvent", ["watch"]),
            ("/api/v1/namespaces/{namespace}/pods/{name}", "delete", "deleteCoreV1NamespacedPod", "Pod", ["gracePeriodSeconds"]),
            ("/api/v1/namespaces/{namespace}/configmaps/{name}", "delete", "deleteCoreV1NamespacedConfigMap", "Status", ["dryRun"]),
            (
                "/api/v1/namespaces/{namespace}/pods/{name}/log", "get", "readCoreV1NamespacedPodLog", "string",
                ["container", "tailLines", "pretty"]
            ),
            (
                "/api/v1/namespaces/{namespace}/pods/{name}/exec", "post", "connectCoreV1PostNamespacedPodExec", "string",
                ["command", "tty"]
            ),
            (
                "/api/v1/namespaces/{namespace}/pods/{name}/portforward", "get", "connectCoreV1GetNamespacedPodPortforward", "string",
                ["ports"]
            ),
            ("/api/v1/nodes/{name}/proxy", "head", "connectCoreV1HeadNodeProxy", "string", ["path"]),
            ("/api/v1/nodes/{name}/proxy/{path}", "options", "connectCoreV1OptionsNodeProxyWithPath", "string", ["path"]),
        ] as [(String, String, String, String, [String])])
    func operations(path: String, method: String, id: String, answer: String, query: [String]) {
        for (form, document) in [("v3", Self.core), ("v2", Self.all)] {
            let item = document["paths"][path]
            let operation = item[method]
            #expect(operation["operationId"].string == id, "\(form)")
            let found = operation["responses"]["200"]
            let schema = form == "v2" ? found["schema"] : found["content"].fields.values.first?["schema"] ?? .null
            let type = schema["$ref"].string?.split(separator: ".").last.map { String($0) } ?? schema["type"].string
            #expect(type == answer, "\(form)")
            let parameters = item["parameters"].elements + operation["parameters"].elements
            let names = Set(parameters.filter { $0["in"] == "query" }.compactMap { $0["name"].string })
            #expect(names.isSuperset(of: query), "\(form) \(names)")
            for name in ["name", "namespace", "path"] where path.contains("{\(name)}") {
                #expect(parameters.contains { $0["name"].string == name && $0["in"] == "path" }, "\(form) \(name)")
            }
        }
    }

    private static let core = OpenAPI.v3(groupVersion: GroupVersion(group: "", version: "v1"), kinds: .builtin)
    private static let all = OpenAPI.v2(kinds: .builtin)

    /// Every `$ref` of every document must lead somewhere.
    @Test func noDanglingReference() {
        for (group, versions) in Catalogue.builtin.groups {
            for version in versions {
                let document = OpenAPI.v3(groupVersion: GroupVersion(group: group, version: version), kinds: .builtin)
                let schemas = document["components"]["schemas"].fields
                for name in references(document) { #expect(schemas[name] != nil, "\(group)/\(version): \(name)") }
            }
        }
        let document = OpenAPI.v2(kinds: .builtin)
        let definitions = document["definitions"].fields
        for name in references(document) { #expect(definitions[name] != nil, "v2: \(name)") }
        #expect(document["swagger"] == "2.0")
    }

    private func references(_ value: Value) -> Set<String> {
        switch value {
        case .object(let fields):
            var found: Set<String> = []
            for (name, field) in fields {
                if name == "$ref", let target = field.string {
                    found.insert(String(target.split(separator: "/").last ?? ""))
                } else {
                    found.formUnion(references(field))
                }
            }
            return found
        case .array(let elements): return elements.reduce(into: []) { $0.formUnion(references($1)) }
        default: return []
        }
    }
}
