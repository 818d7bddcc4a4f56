public import APIModel
public import Client
public import HTTPServer
public import Logging
public import PKI
public import Store

extension APIServer {
    /// What an API server is made from. The caller keeps the store open for as long as the server serves.
    public struct Configuration: Sendable {
        public var store: Store
        /// What is served from the start.
        public var kinds = Kinds.builtin
        /// Where ClusterIPs come from; the family of the first is that of Services which say nothing.
        public var serviceRanges: DualStack<IPNetwork>
        /// Where node ports come from.
        public var nodePorts = 30_000...32_767
        /// For how many seconds an event lives after it last happened.
        public var eventLifetime: Whole = 3600
        /// Where pods reach this server: the endpoint of the `kubernetes` Service. `nil` leaves the Service without one.
        public var advertise: (address: String, port: Int)?
        /// Checks client certificates. `nil`: nobody gets in with one.
        public var certificates: ClientCertificateVerifier?
        /// Further bearer tokens, such as a `TokenFile`; service accounts' are always known.
        public var tokens: [any TokenAuthenticator] = []
        /// Whether Secrets of kube-system let new nodes in.
        public var acceptsBootstrapTokens = false
        /// Other issuers whose tokens are believed. `nil`: none.
        public var issuedTokens: IssuedTokens?
        /// Where one may come without credentials.
        public var anonymous = AnonymousAccess.healthAndVersion
        /// Who is asked about tokens that nobody here knows.
        public var tokenWebhook: WebhookTokens?
        /// A proxy in front that is believed. `nil`: none.
        public var requestHeaders: RequestHeaders?
        /// Signs and checks the tokens of service accounts.
        public var serviceAccountKey: ServiceAccountKey
        /// Who signs those tokens: the `iss` in them, and the URL below which others find the keys.
        public var issuer = "https://kubernetes.default.svc.cluster.local"
        /// Issuers of before, whose tokens are still good.
        public var formerIssuers: [String] = []
        public var issuers: [String] { [issuer] + formerIssuers }
        /// For how many seconds at most a token of a service account is good that somebody asks for. `nil`: as many as they ask for.
        public var longestTokenLifetime: Whole?
        /// Whether the token that every pod gets is good for a year, for clients that never read it again.
        public var extendsTokensOfPods = true
        /// Where others find the keys, if that is not below `issuer`.
        public var keySetURL: String?
        /// What this server calls itself in tokens.
        public var audiences = ["https://kubernetes.default.svc.cluster.local"]
        /// The cluster's CA in PEM, as secrets with tokens carry it.
        public var rootCA = ""
        /// Further checks of a kind's objects, for rules that their reader knows best. Asked where the catalogue's own checks found
        /// nothing, before each write but those of the status.
        public var validators: [GroupVersionResource: @Sendable (Value) -> [FieldError]] = [:]
        /// Which members of the admission chain are at work.
        public var admission = AdmissionPlugins()
        /// Whose plugins of the kind Admission are asked; `nil` where this process runs none.
        public var admissionSource: (any AdmissionSource)?
        /// Asked between the process's grants and those of `authorization`.
        public var authorizers: [any Authorizer] = []
        /// Who decides what a user may do, one after another.
        public var authorization = AuthorizationConfiguration.standard
        /// The file that `authorization` was read from, which may change. `nil`: none.
        public var authorizationFile: String?
        /// What `/version` answers.
        public var version = VersionInfo()
        /// What `kubectl get cs` shows; those of the store are checks of `/readyz` too.
        public var components: [HealthCheck] = []
        /// Further checks of `/livez` and `/readyz`.
        public var healthChecks: [HealthCheck] = []
        /// How kubelets are trusted and which certificate they are shown. `nil`: plain connections, for tests.
        public var kubelet: Dialer.TLS?
        /// Answers what a node uses in the place of its kubelet's `/stats/summary`. `nil`: the kubelet is asked.
        public var summaries: (@Sendable (_ node: String) async throws -> Value)?
        /// What this server shows to aggregated servers, so that they believe what it says of users. `nil`: they are asked without.
        public var frontProxy: Dialer.TLS?
        /// The CAs, in PEM, by which a server behind this one checks users' certificates and that of the front proxy.
        public var extensionCAs: (client: String, requestHeader: String)?
        /// Where kubelets listen that are not at their Node's address, by Node: the one of this process is on loopback.
        public var kubeletHosts: [String: String] = [:]
        /// Whether a proxy may go to an IP address that a user has a say in: none of this machine or its link. Tests have no other.
        var isProxyable: @Sendable (String) -> Bool = { IPScope($0) == .globalUnicast }
        /// How the store keeps records: the transformer that it was opened with. `nil`: as they are.
        public var encryption: EncryptionAtRest?
        /// What is written down of requests. `nil`: nothing.
        public var audit: Auditing?
        /// What one client gets at most.
        public var limits = Limits()
        /// Whether requests are told apart by FlowSchemas and wait for each other by priority; otherwise they are only counted.
        public var hasPriorityAndFairness = true
        /// What answers tell browsers.
        public var browsers = BrowserPolicy()
        /// Pages beside those of the server, by the first part of their path: an answer in JSON. Only who may see the path is let in.
        public var pages: [String: @Sendable (Request) async throws -> Value] = [:]
        /// The objects over which the server ended more than once: they are shown as they are stored, and what ended it is refused.
        public var quarantine = Quarantine()
        public var log: Logger

        public init(store: Store, serviceRanges: DualStack<IPNetwork>, serviceAccountKey: ServiceAccountKey, log: Logger) {
            self.store = store
            self.serviceRanges = serviceRanges
            self.serviceAccountKey = serviceAccountKey
            self.log = log
        }

        /// Of the `kubernetes` Service: the first that there is.
        public var serviceAddress: String { (serviceRanges.primary.host(1) ?? serviceRanges.primary.base).description }
    }
}

/// What the server says it is.
public struct VersionInfo: Sendable {
    public var major = "1"
    public var minor = "36"
    public var gitVersion = "v1.36.0+apus"
    public var gitCommit = ""
    public var buildDate = "1970-01-01T00:00:00Z"

    public init() {}

    var value: Value {
        [
            "major": .string(major), "minor": .string(minor), "emulationMajor": .string(major), "emulationMinor": .string(minor),
            "minCompatibilityMajor": .string(major), "minCompatibilityMinor": .string(minor), "gitVersion": .string(gitVersion),
            "gitCommit": .string(gitCommit),
            "gitTreeState": "clean",
            "buildDate": .string(buildDate), "goVersion": "none (Swift)", "compiler": "swiftc", "platform": .string(Self.platform),
        ]
    }

    private static var platform: String {
        #if arch(arm64)
            "linux/arm64"
        #else
            "linux/amd64"
        #endif
    }
}
