import APIModel
import Testing

struct PatchTests {
    @Test(arguments: [
        (#"{"a":1,"b":{"c":2}}"#, #"{"a":null,"b":{"d":3}}"#, #"{"b":{"c":2,"d":3}}"#), (#"{"a":[1,2]}"#, #"{"a":[3]}"#, #"{"a":[3]}"#),
        (#"{"a":1}"#, #"{"a":{"b":null,"c":1}}"#, #"{"a":{"c":1}}"#),
        (#"{}"#, #"{"a":null}"#, #"{}"#),
    ])
    func merge(target: String, patch: String, expected: String) throws {
        #expect(Patch.merge(try Sample.value(target), try Sample.value(patch)) == (try Sample.value(expected)))
    }

    @Test(arguments: [
        (#"{"a":1}"#, #"[{"op":"add","path":"/b","value":2}]"#, #"{"a":1,"b":2}"#),
        (#"{"a":[1,3]}"#, #"[{"op":"add","path":"/a/1","value":2}]"#, #"{"a":[1,2,3]}"#),
        (#"{"a":[1]}"#, #"[{"op":"add","path":"/a/-","value":2}]"#, #"{"a":[1,2]}"#),
        (#"{"a":1,"b":2}"#, #"[{"op":"remove","path":"/b"}]"#, #"{"a":1}"#),
        (#"{"a":{"x/y":1}}"#, #"[{"op":"replace","path":"/a/x~1y","value":5}]"#, #"{"a":{"x/y":5}}"#),
        (#"{"a":1}"#, #"[{"op":"move","from":"/a","path":"/b"}]"#, #"{"b":1}"#),
        (#"{"a":1}"#, #"[{"op":"replace","path":"/b","value":2}]"#, #"{"a":1,"b":2}"#),
        (#"{"a":1}"#, #"[{"op":"copy","from":"/a","path":"/b"},{"op":"test","path":"/b","value":1}]"#, #"{"a":1,"b":1}"#),
    ])
    func json(target: String, patch: String, expected: String) throws {
        #expect(try Patch.json(Sample.value(target), Sample.value(patch)) == Sample.value(expected))
    }

    @Test(arguments: [
        (#"[{"op":"remove","path":"/x"}]"#, 422), (#"[{"op":"test","path":"/a","value":2}]"#, 422), (#"{"op":"x"}"#, 400),
        (#"[1]"#, 400),
        (#"[{"op":"replace","path":"/x/y","value":1}]"#, 422),
        (#"[{"op":"jump","path":"/a"}]"#, 422),
    ])
    func jsonRefused(patch: String, code: Int) throws {
        let error = #expect(throws: APIError.self) { try Patch.json(["a": 1], Sample.value(patch)) }
        #expect(error?.code == code)
    }

    private func strategic(_ patch: String, to target: String = Sample.deployment) throws -> Value {
        try Patch.strategic(Sample.value(target), Sample.value(patch), schema: Sample.resource("apps/v1/deployments").schema.schema)
    }

    @Test func setImageKeepsTheRest() throws {
        let result = try strategic(#"{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"example/web:2"}]}}}}"#)
        let containers = result[path: "spec", "template", "spec", "containers"]
        #expect(containers.elements.count == 1)
        #expect(containers[0]["image"] == "example/web:2")
        #expect(containers[0]["ports"][0]["containerPort"] == 80)
    }

    @Test func aNewContainerStandsBeforeThoseOfTheServer() throws {
        let result = try strategic(#"{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s"}]}}}}"#)
        #expect(result[path: "spec", "template", "spec", "containers"].elements.map { $0["name"] } == ["side", "web"])
    }

    @Test func obeysElementOrder() throws {
        let result = try strategic(
            #"{"spec":{"template":{"spec":{"$setElementOrder/containers":[{"name":"side"},{"name":"web"}],"containers":[{"name":"side","image":"s"},{"name":"web","image":"w"}]}}}}"#
        )
        #expect(result[path: "spec", "template", "spec", "containers"].elements.map { $0["name"] } == ["side", "web"])
    }

    @Test func deletesAndReplaces() throws {
        let deleted = try strategic(
            #"{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","$patch":"delete"},{"name":"B","value":"2"}]}]}}}}"#
        )
        #expect(deleted[path: "spec", "template", "spec", "containers"][0]["env"] == [["name": "B", "value": "2"]])
        let replaced = try strategic(#"{"spec":{"template":{"spec":{"containers":[{"$patch":"replace"},{"name":"x","image":"y"}]}}}}"#)
        #expect(replaced[path: "spec", "template", "spec", "containers"] == [["name": "x", "image": "y"]])
        let map = try strategic(#"{"metadata":{"labels":{"$patch":"replace","z":"1"}}}"#)
        #expect(map["metadata"]["labels"] == ["z": "1"])
    }

    @Test func retainsKeys() throws {
        let target = #"{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}"#
        let result = try strategic(#"{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}"#, to: target)
        #expect(result["spec"]["strategy"] == ["type": "Recreate"])
    }

    @Test func primitiveLists() throws {
        let target = #"{"metadata":{"finalizers":["a/x","b/x"]}}"#
        #expect(try strategic(#"{"metadata":{"finalizers":["c/x"]}}"#, to: target)["metadata"]["finalizers"] == ["c/x", "a/x", "b/x"])
        #expect(
            try strategic(#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a/x"]}}"#, to: target)["metadata"]["finalizers"] == ["b/x"]
        )
    }

    @Test func restartAndScale() throws {
        let result = try strategic(
            #"{"spec":{"replicas":5,"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now","gone":null}}}}}"#)
        #expect(result["spec"]["replicas"] == 5)
        #expect(result[path: "spec", "template", "metadata", "annotations"] == ["kubectl.kubernetes.io/restartedAt": "now"])
        #expect(result[path: "spec", "template", "metadata", "labels"] == ["app": "web"])
    }

    @Test(arguments: [
        (#"{"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}"#, "does not contain declared merge key: name"),
        (#"{"metadata":{"$patch":"explode"}}"#, "unknown patch type: explode"),
        (#"{"spec":{"$retainKeys":["a"],"replicas":1}}"#, "invalid patch format of retainKeys directive"),
    ])
    func strategicRefused(patch: String, message: String) {
        let error = #expect(throws: APIError.self) { try strategic(patch) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }
}
