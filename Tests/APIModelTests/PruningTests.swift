import APIModel
import Testing

struct PruningTests {
    private let deployments = try? Sample.resource("apps/v1/deployments")

    private func decode(_ json: String, _ resource: String = "apps/v1/deployments") throws -> (Value, [String]) {
        let resource = try Sample.resource(resource)
        var object = try Sample.value(json)
        let unknown = try Pruning.decode(&object, schema: resource.schema.schema, kind: resource.groupVersionKind)
        return (object, unknown)
    }

    @Test func unknownFields() throws {
        let (object, unknown) = try decode(
            #"{"spec":{"foo":1,"replicas":2,"template":{"spec":{"containers":[{"name":"a","bar":{}}]}}},"extra":1}"#)
        #expect(unknown == ["spec.foo", "spec.template.spec.containers[0].bar", "extra"])
        #expect(object == (try Sample.value(#"{"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"a"}]}}}}"#)))
        #expect(Pruning.unknownField("spec.foo") == "unknown field \"spec.foo\"")
        #expect(
            Pruning.strictError(
                [Pruning.unknownField("spec.foo")], kind: GroupVersionKind(group: "apps", version: "v1", kind: "Deployment")
            ).message
                == "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.foo\"")
    }

    @Test(arguments: [
        (
            #"{"spec":{"replicas":"three"}}"#,
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"x","value":1}]}]}}}}"#,
            "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string"
        ),
        (
            #"{"metadata":{"labels":{"a":true}}}"#,
            "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string"
        ),
        (
            #"{"spec":{"replicas":1.5}}"#,
            "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":{}}}}}"#,
            "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container"
        ),
        (
            #"{"spec":{"template":{"spec":{"containers":[{"resources":{"limits":{"cpu":"x"}}}]}}}}"#,
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        ),
    ])
    func wrongTypes(json: String, message: String) {
        let error = #expect(throws: APIError.self) { try decode(json) }
        #expect(error?.message == "Deployment in version \"v1\" cannot be handled as a Deployment: \(message)")
        #expect(error?.code == 400)
    }

    /// As Go decodes them: nothing where something stands is the zero of its type.
    @Test func nullsInListsAndMaps() throws {
        let (pod, _) = try decode(
            #"{"metadata":{"labels":{"a":null}},"spec":{"containers":[null,{"name":"a","command":["x",null],"resources":{"limits":{"cpu":null}}}]}}"#,
            "v1/pods")
        let expected =
            #"{"metadata":{"labels":{"a":""}},"spec":{"containers":[{},{"name":"a","command":["x",""],"resources":{"limits":{"cpu":"0"}}}]}}"#
        #expect(pod == (try Sample.value(expected)))
    }

    @Test func canonicalForms() throws {
        let (object, _) = try decode(
            #"{"metadata":{"creationTimestamp":null,"labels":{}},"spec":{"containers":[{"name":"a","args":[],"resources":{"limits":{"cpu":0.5,"memory":"1024Mi"}}}],"volumes":[{"name":"v","emptyDir":{}}]}}"#,
            "v1/pods")
        let expected =
            #"{"metadata":{},"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"500m","memory":"1Gi"}}}],"volumes":[{"name":"v","emptyDir":{}}]}}"#
        #expect(object == (try Sample.value(expected)))
        let (secret, _) = try decode(#"{"data":{"a":"aGk="}}"#, "v1/secrets")
        #expect(secret["data"]["a"] == "aGk=")
        #expect(throws: APIError.self) { try decode(#"{"data":{"a":"not base64!"}}"#, "v1/secrets") }
        let (lease, _) = try decode(#"{"spec":{"renewTime":"2026-01-02T03:04:05.5+01:00"}}"#, "coordination.k8s.io/v1/leases")
        #expect(lease["spec"]["renewTime"] == "2026-01-02T02:04:05.500000Z")
    }
}
