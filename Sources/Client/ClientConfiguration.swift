/// Where the API is and who we are: what a kubeconfig file says in one of its contexts.
public struct ClientConfiguration: Sendable {
    /// `https://127.0.0.1:6443`, without a slash at the end.
    public var server: String
    /// PEM. Empty: the system's authorities.
    public var certificateAuthority: [UInt8] = []
    /// PEM, with the intermediates.
    public var clientCertificate: [UInt8] = []
    public var clientKey: [UInt8] = []
    public var credential = Credential.none
    /// The user and groups to act as.
    public var impersonatedUser = ""
    public var impersonatedGroups: [String] = []
    /// Whether the server's certificate is checked: `insecure-skip-tls-verify`.
    public var serverVerification = ServerVerification.full
    /// The namespace of the context.
    public var namespace = ""

    public enum Credential: Sendable, Equatable {
        case none
        case token(String)
        /// Read again from time to time: it may be replaced.
        case tokenFile(String)
    }

    public enum ServerVerification: Sendable { case full, none }

    /// A kubeconfig file that cannot be used, and why.
    public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        public var message: String
        public var description: String { message }
    }

    public init(server: String) { self.server = server.hasSuffix("/") ? String(server.dropLast()) : server }
}
