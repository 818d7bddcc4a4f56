public import APIModel
import Client

/// What a server says from memory, without sockets, clock or others to ask: for those who measure it and those who attack it.
public struct OfflineServer {
    private var responder: Responder
    private var reply = [UInt8](repeating: 0, count: Int(UInt16.max))

    /// - Parameter objects: Services, EndpointSlices, Pods and Namespaces, in any order.
    public init?(domain: String, objects: [(GroupVersionResource, Object)]) {
        guard let apex = Name(domain) else { return nil }
        var cluster = ClusterObjects(apex: apex)
        for (resource, object) in objects { cluster.change(resource, before: nil, after: object) }
        responder = Responder(zone: cluster.zone)
    }

    /// How many bytes the answer to `message` has, which is anything at all; `nil` where it gets none, or others would be asked first.
    public mutating func answer(_ message: [UInt8], isDatagram: Bool = true) -> Int? {
        let outcome = message.withUnsafeBytes { message in
            reply.withUnsafeMutableBytes { reply in
                let size = isDatagram ? Query.largestSize : reply.count
                return responder.respond(to: message, into: UnsafeMutableRawBufferPointer(rebasing: reply[..<size]), isDatagram: isDatagram)
            }
        }
        return if case .reply(let count) = outcome { count } else { nil }
    }
}
