import FoundationEssentials
import Testing

@testable import APIModel

/// Objects with every field set, as JSON and as Go's encoder writes them. The file's name is the group, the version and the kind.
struct RoundTripFixture: Sendable, CustomTestStringConvertible {
    let name: String
    let json: [UInt8]
    let protobuf: [UInt8]
    var testDescription: String { name }

    static let all: [RoundTripFixture] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/round-trip").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().map { file in
            let name = String(file.dropLast(".json".count))
            return RoundTripFixture(name: name, json: bytes("\(folder)/\(file)"), protobuf: bytes("\(folder)/\(name).pb"))
        }
    }()

    private static func bytes(_ path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map(Array.init) ?? [] }

    var type: TypeSchema? {
        let parts = name.split(separator: ".").map(String.init)
        let group = parts.dropLast(2).joined(separator: ".")
        return Catalogue.everything.type(
            of: GroupVersionKind(group: group == "core" ? "" : group, version: parts[parts.count - 2], kind: parts[parts.count - 1]))
    }
}

@Suite struct ProtobufTests {
    @Test func fixturesAreThere() { #expect(RoundTripFixture.all.count >= 43) }

    @Test(arguments: RoundTripFixture.all) func encodesAsGoDoes(fixture: RoundTripFixture) throws {
        let type = try #require(fixture.type)
        #expect(try Protobuf.encodeUnknown(JSON.decode(fixture.json), as: type, catalogue: .everything) == fixture.protobuf)
    }

    @Test(arguments: RoundTripFixture.all) func decodesWhatGoWrote(fixture: RoundTripFixture) throws {
        let type = try #require(fixture.type)
        #expect(try Protobuf.decodeUnknown(fixture.protobuf, as: type, catalogue: .everything) == JSON.decode(fixture.json))
    }

    /// Objects with a few fields each, as Go's encoder writes them: what it holds by value is there with zeros.
    @Test(arguments: [
        (
            #"{"apiVersion":"v1","kind":"PodLogOptions","follow":true}"#,
            "0a130a027631120d506f644c6f674f7074696f6e73120a0a0010011800300048001a002200"
        ),
        (
            #"{"apiVersion":"events.k8s.io/v1","kind":"Event","regarding":{"name":"a"}}"#,
            "0a190a106576656e74732e6b38732e696f2f763112054576656e74123d0a100a0012001a0022002a00320038004200120022002a003200"
                + "3a00420f0a0012001a016122002a0032003a0052005a0062040a0012006a00720078001a002200"
        ),
        (
            #"{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":0}}"#,
            "0a150a07617070732f7631120a4465706c6f796d656e74125e0a100a0012001a0022002a00320038004200123c08001a300a100a001200"
                + "1a0022002a00320038004200121c1a00320042004a0052005800600068008201008a01009a0100c2010022020a00280038001a0c080010"
                + "0018002000280038001a002200"
        ),
        (
            #"{"apiVersion":"batch/v1","kind":"Job","status":{"active":1}}"#,
            "0a0f0a0862617463682f763112034a6f6212500a100a0012001a0022002a00320038004200123232300a100a0012001a0022002a003200"
                + "38004200121c1a00320042004a0052005800600068008201008a01009a0100c201001a082001280030003a001a002200"
        ),
        (
            #"{"apiVersion":"resource.k8s.io/v1beta2","kind":"DeviceTaintRule","spec":{"taint":{"key":"a"}}}"#,
            "0a2a0a177265736f757263652e6b38732e696f2f76316265746132120f4465766963655461696e7452756c65121f0a100a0012001a0022"
                + "002a00320038004200120912070a016112001a001a001a002200"
        ),
    ]) func sparseObjectsAreAsGoWritesThem(json: String, hex: String) throws {
        let bytes = try Protobuf.encodeUnknown(JSON.decode(Array(json.utf8)), catalogue: .everything)
        #expect(bytes.dropFirst(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == hex)
    }

    @Test func everyKindGivesBackWhatItWasGiven() throws {
        for (kind, type) in Catalogue.everything.kinds + Catalogue.builtin.kinds {
            let object: Value = ["apiVersion": .string("\(kind.groupVersion)"), "kind": .string(kind.kind)]
            let bytes = try Protobuf.encodeUnknown(object, as: type)
            let decoded = try Protobuf.decodeUnknown(bytes, as: type, catalogue: .everything)
            #expect(try Protobuf.encodeUnknown(decoded, as: type) == bytes, "\(kind)")
        }
    }

    private func type(_ kind: String, group: String = "", version: String = "v1") throws -> TypeSchema {
        try #require(Catalogue.builtin.type(of: GroupVersionKind(group: group, version: version, kind: kind)))
    }

    @Test func goWritesZerosThatAreNone() throws {
        // name "", generateName "", namespace "a", deletionTimestamp as an empty message, generation 0
        let metadata: [UInt8] = [0x0A, 0, 0x12, 0, 0x1A, 1, 0x61, 0x4A, 0, 0x38, 0]
        #expect(try Protobuf.decode([0x0A, UInt8(metadata.count)] + metadata, as: type("ConfigMap")) == ["metadata": ["namespace": "a"]])
    }

    @Test func zerosThatDifferFromNoneStay() throws {
        let deployment: Value = ["spec": ["replicas": 0, "paused": true]]
        let type = try type("Deployment", group: "apps")
        let decoded = try Protobuf.decode(Protobuf.encode(deployment, as: type), as: type)
        #expect(decoded[path: "spec", "replicas"] == 0)
    }

    @Test func schemasOfCustomResources() throws {
        let type = try type("CustomResourceDefinition", group: "apiextensions.k8s.io")
        let schema = try JSON.decode(
            Array(
                #"""
                {"$ref":"a","type":"object","x-kubernetes-preserve-unknown-fields":true,"x-kubernetes-list-map-keys":["a"],"maximum":1.5,"default":{"a":[1]},"enum":[1,"a"],
                "items":{"type":"string"},"additionalProperties":false,"additionalItems":{"type":"string"},
                "properties":{"a":{"items":[{"type":"string"},{"type":"integer"}]}},"dependencies":{"a":["b"],"c":{"type":"string"}},
                "x-kubernetes-validations":[{"rule":"self.a"}]}
                """#.utf8))
        let definition: Value = [
            "spec": ["versions": [["name": "v1", "schema": ["openAPIV3Schema": schema], "subresources": ["status": .emptyObject]]]]
        ]
        let decoded = try Protobuf.decode(Protobuf.encode(definition, as: type), as: type)
        #expect(decoded[path: "spec", "versions"][0][path: "schema", "openAPIV3Schema"] == schema)
        #expect(decoded[path: "spec", "versions"][0]["subresources"] == ["status": .emptyObject])
    }

    @Test func embeddedMessagesNest() throws {
        let type = try type("ValidatingAdmissionPolicy", group: "admissionregistration.k8s.io")
        let rule: Value = [
            "operations": ["CREATE"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"], "scope": "*",
            "resourceNames": ["a"],
        ]
        let policy: Value = ["spec": ["matchConstraints": ["resourceRules": [rule]]]]
        #expect(
            try Protobuf.decode(Protobuf.encode(policy, as: type), as: type)[path: "spec", "matchConstraints", "resourceRules"][0] == rule)
    }

    @Test func mapsOfLists() throws {
        let type = try type("TokenReview", group: "authentication.k8s.io")
        let extra: Value = ["a": ["1", "2"], "b": .array([])]
        let review: Value = ["status": ["user": ["extra": extra]]]
        #expect(try Protobuf.decode(Protobuf.encode(review, as: type), as: type)[path: "status", "user", "extra"] == extra)
    }

    @Test func watchEventsCarryTheirObjectInAnEnvelope() throws {
        let map: Value = ["apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "a"]]
        let event = try Protobuf.decode(Protobuf.watchEvent(type: "ADDED", object: Protobuf.encodeUnknown(map)), as: type("WatchEvent"))
        #expect(event == ["type": "ADDED", "object": map])
    }

    @Test func errorsTellTheField() throws {
        let type = try type("Pod")
        let pod: Value = ["spec": ["containers": [["name": "a"], ["name": "b", "ports": [["containerPort": "x"]]]]]]
        #expect(throws: Protobuf.Error(message: "\"x\" is not a 32-bit integer", path: "spec.containers[1].ports[0].containerPort")) {
            try Protobuf.encode(pod, as: type)
        }
        #expect(throws: Protobuf.Error(message: "proto: unexpected EOF", path: "")) { try Protobuf.decode([0x0A, 5, 1], as: type) }
        #expect(throws: Protobuf.Error.self) { try Protobuf.decodeUnknown(Array("{}".utf8)) }
        #expect(throws: Protobuf.Error(message: "no kind \"Odd\" is registered for version \"v1\"", path: "")) {
            try Protobuf.decodeUnknown(Protobuf.encodeUnknown(["apiVersion": "v1", "kind": "Odd"], as: type))
        }
    }

    @Test func runtimeInterface() throws {
        let type = try #require(Catalogue.cri.type(named: "RunPodSandboxRequest"))
        let request: Value = [
            "config": [
                "metadata": ["name": "web", "uid": "u", "namespace": "default", "attempt": 1], "labels": ["a": "b"],
                "port_mappings": [["protocol": 1, "container_port": 80]],
                "linux": [
                    "cgroup_parent": "/kubepods",
                    "security_context": [
                        "run_as_user": ["value": 0], "supplemental_groups": [0, 1000, 2_000_000], "namespace_options": ["pid": 1],
                    ],
                ],
            ], "runtime_handler": "runc",
        ]
        let bytes = try Protobuf.encode(request, as: type)
        #expect(try Protobuf.decode(bytes, as: type) == request)
        #expect(bytes.suffix(6) == [0x12, 4] + Array("runc".utf8))
    }

    @Test func packedNumbersAreRead() throws {
        let type = try #require(Catalogue.cri.type(named: "PortForwardRequest"))
        #expect(try Protobuf.decode([0x0A, 1, 0x61, 0x12, 3, 80, 0xBB, 3], as: type) == ["pod_sandbox_id": "a", "port": [80, 443]])
        #expect(try Protobuf.decode([0x10, 80, 0x10, 0xBB, 3], as: type) == ["port": [80, 443]])
    }

    @Test func bytesOfTheRuntimeAreBase64() throws {
        let type = try #require(Catalogue.cri.type(named: "ExecSyncResponse"))
        #expect(try Protobuf.decode([0x0A, 2, 0x68, 0x69, 0x18, 7], as: type) == ["stdout": "aGk=", "exit_code": 7])
    }

    @Test func mutatedInputsAreRefusedOrRead() throws {
        let pod = try #require(RoundTripFixture.all.first { $0.name == "core.v1.Pod" })
        var random = Mutations(seed: 2)
        for _ in 0..<1500 { _ = try? Protobuf.decodeUnknown(random.mutate(pod.protobuf)) }
    }
}
