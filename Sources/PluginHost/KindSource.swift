public import APIModel

/// Where the host learns which kinds the API serves.
public protocol KindSource: Sendable {
    /// The newest.
    var kinds: Kinds { get }

    /// Yields at once, and after every change; what happens while nobody looks is told once.
    func changes() -> AsyncStream<Void>
}

/// The kinds that the program brings, which never change.
public struct BuiltinKinds: KindSource {
    public init() {}
    public var kinds: Kinds { .builtin }

    public func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        continuation.yield()
        return stream
    }
}
