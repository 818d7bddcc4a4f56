import APIModel
import Testing

/// How a policy's configuration is put over an object.
struct SchemaMergeTests {
    private func merge(_ target: String, _ patch: String) throws -> Value {
        let schema = try Sample.resource("apps/v1/deployments").schema.schema
        return try Patch.schema(try Sample.value(target), try Sample.value(patch), schema: schema)
    }

    @Test func listsWithKeysAreMergedByThem() throws {
        let merged = try merge(
            #"{"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"a","image":"x","ports":[{"containerPort":80,"protocol":"TCP","name":"n"}]}]}}}}"#,
            #"{"spec":{"template":{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"hostPort":1}]},{"name":"b"}]}}}}"#)
        #expect(merged["spec"]["replicas"] == 1)
        let containers = merged["spec"]["template"]["spec"]["containers"].elements
        #expect(containers.count == 2)
        #expect(containers[0]["image"] == "x")
        #expect(containers[0]["ports"] == [["containerPort": 80, "protocol": "TCP", "name": "n", "hostPort": 1]])
    }

    @Test func whatWouldBeReplacedWholeIsRefused() throws {
        let error = #expect(throws: SchemaMergeError.self) {
            try merge(
                "{}", #"{"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"spec":{"containers":[{"name":"a","command":["x"]}]}}}}"#)
        }
        #expect(error?.description.contains(".spec.template.spec.containers[*].command") == true)
        #expect(error?.description.contains(".spec.selector") == true)
    }
}
