public import APIModel

/// The API over HTTPS. `shutDown` ends it and all clients derived from it by `impersonating`.
public final class HTTPSClient: ForwardingClient {
    private let transport: Transport
    private let wire: WireClient

    /// - Throws: `ClientConfiguration.Problem` when a certificate or key cannot be used. Does not connect yet.
    public init(configuration: ClientConfiguration, userAgent: String = "apus") throws {
        transport = try Transport(configuration, userAgent: userAgent)
        wire = WireClient(transport, impersonating: configuration.impersonatedUser, groups: configuration.impersonatedGroups)
    }

    public var base: any Client { wire }

    /// Requests from now on, also of clients derived from this one, show another certificate and believe other servers. Returns when the
    /// connections of before are closed, a minute later.
    /// - Throws: `ClientConfiguration.Problem` when a certificate or key cannot be used; the one before goes on being shown.
    public func use(_ configuration: ClientConfiguration) async throws { try await transport.use(configuration) }

    /// Closes the connections; requests that are running fail. To be called before the last reference goes.
    public func shutDown() async { await transport.shutDown() }

    /// What stands at a path that is no resource; with a body, what it answers to that.
    public func value(at path: String, posting body: Value? = nil) async throws -> Value {
        try await wire.value(at: path, posting: body)
    }
}
