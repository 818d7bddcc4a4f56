public import APIModel

/// What a bound service account token says.
public struct ServiceAccountClaims: Sendable, Equatable {
    /// An object the token is bound to: it is good while that object exists.
    public struct Reference: Sendable, Equatable {
        public var name: String
        public var uid: String
        public init(name: String, uid: String) {
            self.name = name
            self.uid = uid
        }
    }

    public var issuer: String
    public var audiences: [String]
    public var namespace: String
    public var serviceAccount: Reference
    public var pod: Reference?
    public var node: Reference?
    public var secret: Reference?
    /// Seconds since 1970, as all times here.
    public var issuedAt: Whole
    public var notBefore: Whole
    public var expires: Whole
    /// Later than this the token should have been renewed.
    public var warnAfter: Whole?
    public var id: String

    public init(
        issuer: String, audiences: [String], namespace: String, serviceAccount: Reference, pod: Reference? = nil, node: Reference? = nil,
        secret: Reference? = nil, issuedAt: Whole,
        lifetime: Whole, warnAfter: Whole? = nil, id: String
    ) {
        self.issuer = issuer
        self.audiences = audiences
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.pod = pod
        self.node = node
        self.secret = secret
        self.issuedAt = issuedAt
        notBefore = issuedAt
        expires = issuedAt + lifetime
        self.warnAfter = warnAfter
        self.id = id
    }

    public var user: String { "system:serviceaccount:\(namespace):\(serviceAccount.name)" }
    public var groups: [String] { ["system:serviceaccounts", "system:serviceaccounts:\(namespace)"] }

    /// `nil` when a claim that every token has is missing, or the subject is not the account.
    public init?(_ value: Value) {
        let own = value["kubernetes.io"]
        guard let issuer = value["iss"].string, let issuedAt = value["iat"].int, let expires = value["exp"].int,
            let namespace = own["namespace"].string,
            let account = Reference(own["serviceaccount"])
        else { return nil }
        self.issuer = issuer
        audiences = value["aud"].string.map { [$0] } ?? value["aud"].elements.compactMap(\.string)
        self.namespace = namespace
        serviceAccount = account
        pod = Reference(own["pod"])
        node = Reference(own["node"])
        secret = Reference(own["secret"])
        self.issuedAt = issuedAt
        notBefore = value["nbf"].int ?? issuedAt
        self.expires = expires
        warnAfter = own["warnafter"].int
        id = value["jti"].string ?? ""
        guard value["sub"].string == user else { return nil }
    }

    /// The token's payload.
    public var value: Value {
        var own: Value = ["namespace": .string(namespace)]
        own["node"] = node?.value ?? .null
        own["pod"] = pod?.value ?? .null
        own["secret"] = secret?.value ?? .null
        own["serviceaccount"] = serviceAccount.value
        own["warnafter"] = warnAfter.map { .int($0) } ?? .null
        return [
            "aud": .array(audiences.map { .string($0) }), "exp": .int(expires), "iat": .int(issuedAt), "iss": .string(issuer),
            "jti": .string(id), "kubernetes.io": own,
            "nbf": .int(notBefore), "sub": .string(user),
        ]
    }
}

extension ServiceAccountClaims.Reference {
    init?(_ value: Value) {
        guard let name = value["name"].string, let uid = value["uid"].string else { return nil }
        self.init(name: name, uid: uid)
    }

    var value: Value { ["name": .string(name), "uid": .string(uid)] }
}
