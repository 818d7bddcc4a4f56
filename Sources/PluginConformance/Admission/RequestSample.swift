internal import APIModel
internal import PluginAPI

/// A request, as the suite asks about it.
struct RequestSample: Sendable {
    /// For people: `a Pod that is created`.
    var title: String
    var operation = APUS_OPERATION_CREATE
    var flags: UInt32 = 0
    var resource = "v1/pods"
    var kind = "v1/Pod"
    var subresource = ""
    var namespace = "default"
    var name = "cart"
    var object: Value = .null
    var old: Value = .null

    /// Lends the request for the duration of `body`. The bytes are overwritten after it, so that a plugin that keeps them finds nonsense.
    func lend<R>(_ body: (UnsafePointer<apus_admission_request>) throws -> R) rethrows -> R {
        let texts = [
            Array(resource.utf8), Array(kind.utf8), Array(subresource.utf8), Array(namespace.utf8), Array(name.utf8),
            Array("jane".utf8), JSON.encode(details), Self.json(object), Self.json(old), namespace.isEmpty ? [] : Self.json(home),
        ]
        var bytes = Array(texts.joined())
        return try bytes.withUnsafeMutableBufferPointer { buffer in
            defer { for index in buffer.indices { buffer[index] = 0x23 } }
            var start = 0
            var lent: [apus_borrowed] = []
            for text in texts {
                lent.append(
                    apus_borrowed(bytes: text.isEmpty ? nil : UnsafePointer(buffer.baseAddress! + start), count: UInt64(text.count)))
                start += text.count
            }
            var request = apus_admission_request(
                size: UInt32(MemoryLayout<apus_admission_request>.size), operation: operation, flags: flags, reserved: 0,
                resource: lent[0], kind: lent[1], subresource: lent[2], namespace_: lent[3], name: lent[4], user: lent[5],
                request: lent[6], object: lent[7], old_object: lent[8], namespace_object: lent[9])
            return try body(&request)
        }
    }

    private static func json(_ object: Value) -> [UInt8] { object.isNull ? [] : JSON.encode(object) }

    private var home: Value {
        ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace), "labels": ["team": "blue"]]]
    }

    private var details: Value {
        [
            "operation": .string(Self.operations[operation] ?? ""), "name": .string(name),
            "namespace": namespace.isEmpty ? .null : .string(namespace), "dryRun": .bool(flags & APUS_REQUEST_DRY_RUN != 0),
            "userInfo": ["username": "jane", "uid": "42", "groups": ["developers", "system:authenticated"], "extra": ["floor": ["3"]]],
        ]
    }

    private static let operations: [Int32: String] = [
        APUS_OPERATION_CREATE: "CREATE", APUS_OPERATION_UPDATE: "UPDATE", APUS_OPERATION_DELETE: "DELETE",
        APUS_OPERATION_CONNECT: "CONNECT",
    ]
}

extension RequestSample {
    /// One of each sort, and what nobody expects.
    static let all: [RequestSample] =
        [
            RequestSample(title: "a Pod that is created", object: pod()),
            RequestSample(title: "the same in a dry run", flags: APUS_REQUEST_DRY_RUN, object: pod()),
            RequestSample(title: "a Pod without a name yet", name: "", object: nameless),
            RequestSample(title: "a Pod that is changed", operation: APUS_OPERATION_UPDATE, object: pod("nginx:1.29"), old: pod()),
            RequestSample(title: "a Pod's status", operation: APUS_OPERATION_UPDATE, subresource: "status", object: pod(), old: pod()),
            RequestSample(title: "a Pod that is deleted", operation: APUS_OPERATION_DELETE, old: pod()),
            RequestSample(
                title: "a connection to a Pod", operation: APUS_OPERATION_CONNECT, kind: "v1/PodExecOptions", subresource: "exec",
                object: ["apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"], "stdin": true]),
            RequestSample(title: "a Pod of the largest size", object: large),
            RequestSample(title: "a Pod with names in all scripts", name: "café", object: pod("wörter/日本語:🙂")),
            RequestSample(
                title: "a Namespace", resource: "v1/namespaces", kind: "v1/Namespace", namespace: "blue", name: "blue",
                object: ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "blue"]]),
            RequestSample(
                title: "a Node", resource: "v1/nodes", kind: "v1/Node", namespace: "", name: "n1",
                object: ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "n1"]]),
            RequestSample(
                title: "a Deployment", resource: "apps/v1/deployments", kind: "apps/v1/Deployment",
                object: [
                    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "cart", "namespace": "default"],
                    "spec": ["replicas": 3, "selector": ["matchLabels": ["app": "cart"]], "template": template],
                ]),
            RequestSample(
                title: "an object of a kind that nobody knows", resource: "example.com/v1/things", kind: "example.com/v1/Thing",
                object: ["apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "cart"], "spec": [1, [:], "x", .null, 2.5]]),
            RequestSample(title: "an object that is almost none", object: .emptyObject),
            RequestSample(title: "a Pod whose fields are of other types", object: ["metadata": "none", "spec": ["containers": 7]]),
        ]

    private static let template: Value = [
        "metadata": ["labels": ["app": "cart"]], "spec": ["containers": [["name": "web", "image": "nginx:latest"]]],
    ]

    private static func pod(_ image: String = "nginx") -> Value {
        [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": "cart", "namespace": "default", "labels": ["app": "cart"], "annotations": ["note": "a \"quoted\" \\ word"],
            ],
            "spec": ["containers": [["name": "web", "image": .string(image)]], "restartPolicy": "Always"],
        ]
    }

    private static let nameless: Value = {
        var pod = RequestSample.pod()
        pod["metadata"]["name"] = .null
        pod["metadata"]["generateName"] = "cart-"
        return pod
    }()

    private static let large: Value = {
        var pod = RequestSample.pod()
        pod["metadata"]["annotations"]["blob"] = .string(String(repeating: "x", count: 256 << 10))
        pod["spec"]["containers"] = .array(
            (0..<500).map { ["name": .string("c\($0)"), "image": .string("registry.example/team/image-\($0):v\($0)")] })
        return pod
    }()
}
