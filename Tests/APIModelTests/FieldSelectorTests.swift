import APIModel
import Testing

struct FieldSelectorTests {
    @Test func podFields() throws {
        let pods = try Sample.resource("v1/pods")
        let pod = try Sample.value(#"{"metadata":{"name":"a","namespace":"n"},"spec":{"nodeName":"n1"},"status":{"phase":"Running"}}"#)
        for (text, expected) in [
            ("spec.nodeName=n1", true), ("spec.nodeName!=n1", false), ("status.phase=Running,metadata.name=a", true),
            ("status.phase==Pending", false),
            ("spec.hostNetwork=false", true),
            ("metadata.namespace=n", true), ("status.nominatedNodeName=", true),
        ] {
            let selector = try FieldSelector(parsing: text)
            try selector.check(for: pods)
            #expect(selector.matches(pod, resource: pods) == expected, "\(text)")
        }
    }

    @Test(arguments: [
        ("v1/pods", "spec.foo=1", "field label not supported: spec.foo"),
        ("v1/configmaps", "data.x=1", "\"data.x\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""),
        ("v1/pods", "nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"),
    ])
    func refused(resource: String, text: String, message: String) throws {
        let resource = try Sample.resource(resource)
        let error = #expect(throws: APIError.self) { try FieldSelector(parsing: text).check(for: resource) }
        #expect(error?.message == message)
    }

    @Test func eventSource() throws {
        let events = try Sample.resource("v1/events")
        let event = try Sample.value(#"{"involvedObject":{"kind":"Pod","name":"p"},"source":{"component":"kubelet"},"reason":"Started"}"#)
        #expect(
            try FieldSelector(parsing: "involvedObject.kind=Pod,involvedObject.name=p,source=kubelet,reason=Started").matches(
                event, resource: events))
    }

    @Test func requiredName() throws { #expect(try FieldSelector(parsing: "metadata.name=x").required("metadata.name") == "x") }
}
