import APIModel
public import PKI

/// `--authentication-config`: whose tokens are believed beside this server's own, and where one may come without any.
public struct AuthenticationConfiguration: Sendable {
    var issuers: [IssuerSettings]
    /// By what tokens may be signed.
    var algorithms = Set(SigningAlgorithm.allCases)
    /// `nil` where the file does not say.
    public let anonymous: AnonymousAccess?

    private static let group = "apiserver.config.k8s.io"
    private static let kind = "AuthenticationConfiguration"
    private static let mostIssuers = 64

    /// - Parameter ownIssuers: of this server's own tokens: nobody else may be one of them.
    /// - Throws: `ConfigurationProblem` for the first thing that is wrong.
    public init(_ text: String, ownIssuers: [String]) throws {
        self = try ConfigurationFile.read(text, kind: Self.kind, versions: ["v1", "v1beta1", "v1alpha1"].map { "\(Self.group)/\($0)" }) {
            try AuthenticationConfiguration($0, ownIssuers)
        }
    }

    fileprivate init(_ file: ConfigurationFields, _ ownIssuers: [String]) throws {
        let reader = IssuerReader(ownIssuers: ownIssuers)
        if file.value("jwt").elements.count > Self.mostIssuers {
            throw file.problem(
                "jwt", "Too many: \(file.value("jwt").elements.count): must have at most \(Self.mostIssuers) items")
        }
        issuers = try file.objects("jwt", reader.read)
        var (urls, places): (Set<String>, Set<String>) = ([], [])
        for (index, issuer) in issuers.enumerated() {
            guard urls.insert(issuer.url).inserted else { throw file.duplicate("jwt[\(index)].issuer.url", issuer.url) }
            if let place = issuer.discoveryURL, !places.insert(place).inserted {
                throw file.duplicate("jwt[\(index)].issuer.discoveryURL", place)
            }
        }
        anonymous = try file.object("anonymous", Self.anonymous)
    }

    private static func anonymous(_ fields: ConfigurationFields) throws -> AnonymousAccess {
        let isEnabled = try fields.bool("enabled") ?? false
        let paths = try fields.objects("conditions") { try $0.required("path") }
        guard isEnabled || paths.isEmpty else {
            throw fields.problem("conditions", "enabled should be set to true when conditions are defined")
        }
        return !isEnabled ? .nowhere : paths.isEmpty ? .everywhere : .at(Set(paths))
    }
}

/// What the `--oidc-` flags say: one issuer, in fewer words.
public struct OpenIDFlags: Sendable {
    public var issuerURL: String
    public var clientID: String
    public var usernameClaim = "sub"
    /// `nil` for the issuer and `#`, but before `email`.
    public var usernamePrefix: String?
    public var groupsClaim: String?
    public var groupsPrefix = ""
    public var requiredClaims: [(name: String, value: String)] = []
    public var algorithms: Set<SigningAlgorithm> = [.rs256]
    /// PEM; `nil` for the system's roots.
    public var authorities: String?

    public init(issuerURL: String, clientID: String) {
        self.issuerURL = issuerURL
        self.clientID = clientID
    }

    private var configuration: Value {
        let prefix = usernamePrefix ?? (usernameClaim == "email" ? "" : "\(issuerURL)#")
        var mappings: Value = ["username": ["claim": .string(usernameClaim), "prefix": .string(prefix)]]
        if let groupsClaim { mappings["groups"] = ["claim": .string(groupsClaim), "prefix": .string(groupsPrefix)] }
        return [
            "jwt": [
                [
                    "issuer": [
                        "url": .string(issuerURL), "audiences": [.string(clientID)],
                        "certificateAuthority": authorities.map { .string($0) } ?? .null,
                    ], "claimMappings": mappings,
                    "claimValidationRules": .array(
                        requiredClaims.map { ["claim": .string($0.name), "requiredValue": .string($0.value)] }),
                ]
            ]
        ]
    }

    /// - Throws: `ConfigurationProblem`.
    public func configuration(ownIssuers: [String]) throws -> AuthenticationConfiguration {
        var read = try ConfigurationFields.read(configuration, at: "") { try AuthenticationConfiguration($0, ownIssuers) }
        read.algorithms = algorithms
        return read
    }
}
