/// One request as admission plugins are asked about it. All texts lie in one buffer, so that lending them costs nothing.
public struct AdmissionQuestion: Sendable {
    /// The raw values are those of the plugin ABI.
    public enum Operation: Int32, Sendable {
        case create = 1
        case update, delete, connect
    }

    public let operation: Operation
    public let isDryRun: Bool
    /// The texts, one after the other.
    public let bytes: [UInt8]
    /// Where each text ends.
    private let ends: [Int]

    /// What it is made of, in the order of `bytes`.
    public enum Text: Int, Sendable {
        /// `apps/v1/deployments`
        case resource
        /// `apps/v1/Deployment`
        case kind
        case subresource, namespace, name
        /// Who asks, by name.
        case user
        /// As JSON, what is told of the request beside the objects.
        case request
        /// As JSON; empty where there is none, as all that follow.
        case object
        case oldObject, namespaceObject
    }

    public init(
        _ operation: Operation, isDryRun: Bool, resource: String, kind: String, subresource: String, namespace: String, name: String,
        user: String, request: [UInt8], object: [UInt8], oldObject: [UInt8], namespaceObject: [UInt8]
    ) {
        self.operation = operation
        self.isDryRun = isDryRun
        var bytes: [UInt8] = []
        bytes.reserveCapacity(request.count + object.count + oldObject.count + namespaceObject.count + 256)
        var ends: [Int] = []
        ends.reserveCapacity(Text.namespaceObject.rawValue + 1)
        for text in [resource, kind, subresource, namespace, name, user] {
            bytes += text.utf8
            ends.append(bytes.count)
        }
        for text in [request, object, oldObject, namespaceObject] {
            bytes += text
            ends.append(bytes.count)
        }
        self.bytes = bytes
        self.ends = ends
    }

    /// Where the text stands in `bytes`.
    public subscript(_ text: Text) -> Range<Int> { (text.rawValue == 0 ? 0 : ends[text.rawValue - 1])..<ends[text.rawValue] }

    public func string(_ text: Text) -> String { String(decoding: bytes[self[text]], as: UTF8.self) }
}
