public import APIModel
internal import PluginAPI

/// One request, as it is after authentication and authorization. Objects are decoded when they are looked at.
public final class AdmissionRequest {
    public enum Operation: Int32, Sendable, CaseIterable {
        case create = 1
        case update, delete, connect
    }

    public let operation: Operation
    /// Whether nothing will be written.
    public let isDryRun: Bool
    /// `apps/v1/deployments`, `v1/pods`: as the manifest's rule names it that matched.
    public let resource: String
    /// Of `object`: `apps/v1/Deployment`.
    public let kind: String
    /// `status`; empty for the object itself.
    public let subresource: String
    /// Empty for cluster-scoped kinds.
    public let namespace: String
    /// Empty for a create whose name is still to be made.
    public let name: String
    public private(set) lazy var user = User(details["userInfo"])
    /// What a webhook gets as `request` of an AdmissionReview, without `uid`, `object` and `oldObject`.
    public private(set) lazy var details = Self.decode(detailBytes)
    /// What is written; `.null` for a delete.
    public private(set) lazy var object = Self.decode(objectBytes)
    /// What is there; `.null` for a create and a connect.
    public private(set) lazy var oldObject = Self.decode(oldBytes)
    /// The Namespace; `.null` for cluster-scoped kinds, and where there is none.
    public private(set) lazy var namespaceObject = Self.decode(namespaceBytes)

    private let detailBytes: [UInt8]
    private let objectBytes: [UInt8]
    private let oldBytes: [UInt8]
    private let namespaceBytes: [UInt8]

    /// Who asks.
    public struct User: Sendable, Equatable {
        public var name: String
        public var uid: String
        public var groups: [String]
        public var extra: [String: [String]]

        public init(name: String, uid: String = "", groups: [String] = [], extra: [String: [String]] = [:]) {
            self.name = name
            self.uid = uid
            self.groups = groups
            self.extra = extra
        }

        fileprivate init(_ info: Value) {
            self.init(
                name: info["username"].string ?? "", uid: info["uid"].string ?? "", groups: info["groups"].elements.compactMap(\.string),
                extra: Dictionary(info["extra"].fields.map { ($0, $1.elements.compactMap(\.string)) }) { $1 })
        }

        fileprivate var value: Value {
            var info: Value = ["username": .string(name), "uid": .string(uid), "groups": .array(groups.map(Value.string))]
            for (key, values) in extra.sorted(by: { $0.key < $1.key }) { info["extra"][key] = .array(values.map(Value.string)) }
            return info
        }
    }

    /// A request as tests make it.
    public init(
        _ operation: Operation, _ resource: String, kind: String = "", subresource: String = "", namespace: String = "", name: String = "",
        object: Value = .null, oldObject: Value = .null, namespaceObject: Value = .null, user: User = User(name: "somebody"),
        isDryRun: Bool = false
    ) {
        self.operation = operation
        self.isDryRun = isDryRun
        self.resource = resource
        self.kind = kind
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
        detailBytes = JSON.encode(["userInfo": user.value])
        objectBytes = Self.encode(object)
        oldBytes = Self.encode(oldObject)
        namespaceBytes = Self.encode(namespaceObject)
    }

    init(_ request: apus_admission_request) throws {
        guard let operation = Operation(rawValue: request.operation) else {
            throw ComponentError.unsupported("operation \(request.operation) is not known")
        }
        self.operation = operation
        isDryRun = request.flags & APUS_REQUEST_DRY_RUN != 0
        resource = request.resource.string
        kind = request.kind.string
        subresource = request.subresource.string
        namespace = request.namespace_.string
        name = request.name.string
        detailBytes = request.request.array
        objectBytes = request.object.array
        oldBytes = request.old_object.array
        namespaceBytes = request.namespace_object.array
    }

    private static func encode(_ object: Value) -> [UInt8] { object.isNull ? [] : JSON.encode(object) }
    private static func decode(_ bytes: [UInt8]) -> Value { bytes.isEmpty ? .null : (try? JSON.decode(bytes)) ?? .null }
}
