import APIModel
import Testing

struct FieldSelectorTests {
    @Test func podFields() throws {
        let pods = try Sample.resource("v1/pods")
        let pod = try Sample.value(
            #"{"metadata":{"name":"a","namespace":"n"},"spec":{"nodeName":"n1"},"status":{"phase":"Running","podIPs":[{"ip":"1.2.3.4"},{"ip":"::1"}]}}"#
        )
        for (text, expected) in [
            ("spec.nodeName=n1", true), ("spec.nodeName!=n1", false), ("status.phase=Running,metadata.name=a", true),
            ("status.phase==Pending", false), ("spec.hostNetwork=false", true), ("metadata.namespace=n", true),
            ("status.nominatedNodeName=", true), ("spec.host=n1", true), ("status.podIPs=1.2.3.4\\,::1", true), ("", true),
        ] {
            #expect(try FieldSelector(parsing: text).test(for: pods).accepts(pod) == expected, "\(text)")
        }
    }

    @Test(arguments: [
        ("v1/pods", "spec.foo=1", "field label not supported: spec.foo"),
        ("v1/nodes", "metadata.namespace=x", "field label not supported: metadata.namespace"),
        ("v1/configmaps", "data.x=1", "\"data.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""),
        (
            "apps/v1/replicasets", "status.replicas=1",
            "\"status.replicas\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        ),
        ("batch/v1/jobs", "spec.x=1", "field label \"spec.x\" not supported for Job"),
        (
            "resource.k8s.io/v1/resourceslices", "spec.x=1",
            "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: spec.x"
        ),
        ("v1/pods", "metadata.name=a=b", "invalid field selector: unescaped character in value: 61"),
        ("v1/pods", "nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"),
    ])
    func refused(resource: String, text: String, message: String) throws {
        let resource = try Sample.resource(resource)
        let error = #expect(throws: APIError.self) { try FieldSelector(parsing: text).test(for: resource) }
        #expect(error?.message == message)
    }

    /// Events are stored in the core group's words, whichever a client speaks.
    @Test(arguments: [
        ("v1/events", "involvedObject.kind=Pod,involvedObject.name=p,source=kubelet,reason=Started"),
        ("events.k8s.io/v1/events", "regarding.kind=Pod,regarding.name=p,reason=Started,reportingController="),
    ])
    func events(resource: String, text: String) throws {
        let event = try Sample.value(#"{"involvedObject":{"kind":"Pod","name":"p"},"source":{"component":"kubelet"},"reason":"Started"}"#)
        #expect(try FieldSelector(parsing: text).test(for: Sample.resource(resource)).accepts(event))
    }

    @Test func whatAnIndexReads() throws {
        let pod = try Sample.value(#"{"metadata":{"ownerReferences":[{"uid":"u1"},{"uid":"u2"}]},"spec":{"nodeName":"n1","priority":7}}"#)
        #expect(ValuePath.ownerUID.values(in: pod) == ["u1", "u2"])
        #expect(ValuePath.ownerUID.values(in: .emptyObject) == [])
        #expect(ValuePath("spec.nodeName").values(in: pod) == ["n1"] && ValuePath("spec.host").values(in: pod) == [""])
        #expect(ValuePath("spec.host|spec.priority").text(in: pod) == "7" && ValuePath("spec.hostNetwork#false").text(in: pod) == "false")
    }

    /// A path in the table that leads nowhere would select nothing, silently.
    @Test func everyFieldIsOneOfItsKind() throws {
        let catalogue = Catalogue.builtin
        for type in catalogue.resources {
            for field in type.selectableFields ?? [] {
                let stored = type.group == "events.k8s.io" ? try #require(catalogue.resource(.events)) : type
                for names in field.path.names {
                    var schema: TypeSchema? = stored.schema.schema
                    for name in names {
                        let found = try #require(schema?.field(name), "\(type.kind) has no \(field.path)")
                        schema = Self.object(found.type)
                    }
                }
            }
        }
        #expect(catalogue.resource(.pods)?.selectableFields?.first { $0.name == "spec.nodeName" }?.isIndexed == true)
    }

    private static func object(_ type: FieldType) -> TypeSchema? {
        switch type {
        case .object(let reference): reference.schema
        case .array(let element): object(element)
        default: nil
        }
    }

    @Test func requiredName() throws { #expect(try FieldSelector(parsing: "metadata.name=x").required("metadata.name") == "x") }
}
