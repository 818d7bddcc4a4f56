import Synchronization

/// One API object at one resourceVersion: the JSON bytes as the API serves them, and its decoded form, made once when first asked for and
/// then shared by all readers.
public final class Object: Sendable {
    /// JSON, with `apiVersion`, `kind` and `metadata.resourceVersion`.
    public let bytes: [UInt8]
    private let decoded: Mutex<Value?>

    /// - Parameter value: the decoded form of `bytes`, where the caller has it already.
    public init(bytes: [UInt8], value: Value? = nil) {
        self.bytes = bytes
        self.decoded = Mutex(value)
    }

    public convenience init(_ value: Value) { self.init(bytes: JSON.encode(value), value: value) }

    /// The decoded object. Safe from any thread. Bytes that are not JSON, which the API never serves, read as `.null`.
    public var value: Value {
        decoded.withLock { decoded in
            if let decoded { return decoded }
            let value = (try? JSON.decode(bytes)) ?? .null
            decoded = value
            return value
        }
    }

    public var metadata: Value { value["metadata"] }
    public var namespace: String { metadata["namespace"].string ?? "" }
    public var name: String { metadata["name"].string ?? "" }
    public var uid: String { metadata["uid"].string ?? "" }
    public var resourceVersion: String { metadata["resourceVersion"].string ?? "" }
    public var labels: [String: String] { metadata["labels"].strings }
    public var isBeingDeleted: Bool { !metadata["deletionTimestamp"].isNull }

    /// The owner reference with `controller: true`, `.null` where there is none.
    public var controllerReference: Value { metadata["ownerReferences"].elements.first { $0["controller"].bool == true } ?? .null }
}
