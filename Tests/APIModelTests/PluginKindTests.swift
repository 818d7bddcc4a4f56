import OrderedCollections
import Testing

@testable import APIModel

/// The project's own kind takes the same way through the catalogue as every other.
@Suite struct PluginKindTests {
    private let version = GroupVersion(group: "plugins.apus.dev", version: "v1alpha1")
    private func resource() throws -> ResourceType { try Sample.resource("plugins.apus.dev/v1alpha1/plugins") }

    private static let plugin = """
        {"apiVersion":"plugins.apus.dev/v1alpha1","kind":"Plugin","metadata":{"name":"binpack"},
         "spec":{"kind":"SchedulerPolicy","library":"libscheduler-binpack.so","weight":3,"config":{"any":[1,{"thing":null}]},"limits":{"memory":"1024Mi"},
                 "rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]},
         "status":{"state":"Running","isolation":"Process","calls":7,"errors":1,"p99":"12µs","version":"1.2","library":"/lib/apus/libscheduler-binpack.so","reason":""}}
        """

    @Test func discovery() throws {
        let resource = try resource()
        #expect(!resource.isNamespaced && resource.kind == "Plugin" && resource.singularName == "plugin" && resource.shortNames == [])
        #expect(resource.verbs == ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"])
        #expect(resource.subresource("status")?.verbs == ["get", "patch", "update"])
        // Behind upstream's groups, whose order clients may rely on.
        #expect(Catalogue.builtin.groups.last?.name == version.group && Catalogue.builtin.groups.last?.versions == [version.version])
    }

    @Test func columns() throws {
        let resource = try resource()
        #expect(
            resource.columns.filter { $0.priority == 0 }.map(\.name) == [
                "Name", "Kind", "State", "Isolation", "Calls", "Errors", "P99", "Age",
            ])
        #expect(resource.columns.filter { $0.priority > 0 }.map(\.name) == ["Version", "Library", "Reason"])
        let row = Table.render([try Sample.value(Self.plugin)], resource: resource, includeObject: .none, listMetadata: .null, now: 0)[
            "rows"][0]["cells"]
        #expect(
            row == ["binpack", "SchedulerPolicy", "Running", "Process", 7, 1, "12µs", "<unknown>", "1.2", "libscheduler-binpack.so", ""])
        let young = Table.render(
            [["metadata": ["name": "p"], "spec": ["kind": "Proxy", "library": "libp.so"]]], resource: resource, includeObject: .none,
            listMetadata: .null, now: 0)["rows"][0][
                "cells"]
        #expect(young == ["p", "Proxy", "Pending", "None", 0, 0, "<none>", "<unknown>", "<none>", "libp.so", ""])
    }

    @Test func unknownFieldsAreNamedAndConfigurationIsFree() throws {
        var plugin = try Sample.value(Self.plugin)
        plugin["spec"]["libary"] = "typo.so"
        plugin["spec"]["rules"][0]["verb"] = "get"
        let kind = GroupVersionKind(group: version.group, version: version.version, kind: "Plugin")
        #expect(try Pruning.decode(&plugin, schema: resource().schema.schema, kind: kind) == ["spec.rules[0].verb", "spec.libary"])
        #expect(plugin["spec"]["config"]["any"][1] == .object(["thing": .null]))
        #expect(plugin["spec"]["limits"]["memory"] == "1Gi")
    }

    @Test(
        arguments: [
            (
                "kind", "Scheduler",
                #"spec.kind: Unsupported value: "Scheduler": supported values: "Admission", "Controller", "Proxy", "Runtime", "SchedulerPolicy""#
            ),
            ("kind", "", "spec.kind: Required value"), ("library", "", "spec.library: Required value"),
            ("isolation", "Thread", #"spec.isolation: Unsupported value: "Thread": supported values: "None", "Process""#),
            ("mode", "On", #"spec.mode: Unsupported value: "On": supported values: "Active", "Shadow""#),
            ("weight", 101, "spec.weight: Invalid value: 101: must be between 1 and 100, inclusive"),
        ] as [(String, Value, String)]) func refusals(field: String, value: Value, message: String) throws
    {
        var plugin = try Sample.value(Self.plugin)
        #expect(try Validation.validate(plugin, resource: resource()).isEmpty)
        plugin["spec"][field] = value
        #expect(try Validation.validate(plugin, resource: resource()).map(\.message) == [message])
    }

    @Test func theNameIsALabel() throws {
        var plugin = try Sample.value(Self.plugin)
        plugin["metadata"]["name"] = "a.b"
        #expect(try Validation.validate(plugin, resource: resource()).map(\.field) == ["metadata.name"])
    }

    @Test func protobufGoesThereAndBack() throws {
        var plugin = try Sample.value(Self.plugin)
        plugin["status"]["startTime"] = "2026-01-02T03:04:05Z"
        plugin["status"]["conditions"] = [
            ["type": "Ready", "status": "True", "reason": "Running", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"]
        ]
        let schema = try resource().schema.schema
        _ = Pruning.prune(&plugin, schema: schema)
        let bytes = try Protobuf.encodeUnknown(plugin, as: schema, catalogue: .builtin)
        #expect(try Protobuf.decodeUnknown(bytes, as: schema, catalogue: .builtin)["spec"] == plugin["spec"])
    }

    @Test func explained() {
        let document = OpenAPI.v3(groupVersion: version, kinds: .builtin)
        let spec = document["components"]["schemas"]["dev.apus.plugins.v1alpha1.PluginSpec"]
        #expect(spec["required"] == ["kind", "library"])
        #expect(spec["properties"]["sha256"]["type"] == "string")
        #expect(!document["paths"]["/apis/plugins.apus.dev/v1alpha1/plugins/{name}/status"]["patch"].isNull)
    }
}
