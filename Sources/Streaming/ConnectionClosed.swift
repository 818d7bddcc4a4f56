/// The other side went away, or the server closed the connection.
public struct ConnectionClosed: Error, CustomStringConvertible {
    public init() {}
    public var description: String { "the connection is closed" }
}
