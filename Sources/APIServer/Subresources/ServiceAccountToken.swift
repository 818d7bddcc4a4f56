import APIModel
import OrderedCollections
import PKI

/// The token subresource of service accounts: a signed token that is good for a while, for certain audiences, and for as long as what it is
/// bound to exists.
enum ServiceAccountToken {
    static let minimumSeconds: Whole = 600
    static let maximumSeconds: Whole = 1 << 32

    static let handlers: Handlers.Table = [
        .init("/serviceaccounts", "token", .create): { call in
            let (target, context) = (call.target, call.context)
            return try await context.admitCreation(of: try call.object, target) { asked in
                (try issue(target, asked, context), .dropped)
            }
        }
    ]

    static func issue(_ target: Target, _ request: Value, _ write: WriteContext) throws -> Answer {
        let account = try write.registry.get(target.named(target.name, subresource: "")).object
        var seconds = request[path: "spec", "expirationSeconds"].int ?? 3600
        func invalid(_ error: FieldError, name: String = "") -> APIError {
            .invalid(group: "authentication.k8s.io", kind: "TokenRequest", name: name, errors: [error])
        }
        for (field, own) in [("name", account.name), ("namespace", account.namespace)] {
            guard let given = request["metadata"][field].string, !given.isEmpty, given != own else { continue }
            let error = FieldError.invalid(
                FieldPath("metadata").child(field), .string(given), "must match the service account \(field) if specified")
            throw invalid(error, name: target.name)
        }
        if let uid = request[path: "metadata", "uid"].string, !uid.isEmpty, uid != account.uid {
            throw APIError.conflict(
                "TokenRequest.authentication.k8s.io", target.name,
                "the UID in the token request (\(uid)) does not match the UID of the service account (\(account.uid))")
        }
        guard seconds >= minimumSeconds else {
            throw invalid(.invalid("spec.expirationSeconds", .int(seconds), "may not specify a duration less than 10 minutes"))
        }
        guard seconds <= maximumSeconds else {
            throw invalid(.invalid("spec.expirationSeconds", .int(seconds), "may not specify a duration larger than 2^32 seconds"))
        }
        let asked = request[path: "spec", "audiences"].elements.compactMap(\.string)
        let tokens = write.registry.tokens
        let audiences = asked.isEmpty ? tokens.audiences : asked
        let reference = request[path: "spec", "boundObjectRef"]
        let binding = reference.isEmpty ? TokenSigner.Binding() : try bind(reference, account: account, target, write)
        if let longest = tokens.longestLifetime, seconds > longest {
            write.warn("requested expiration of \(seconds) seconds shortened to \(longest) seconds")
            seconds = longest
        }
        let token = try tokens.token(account, audiences: audiences, lifetime: seconds, binding: binding)
        write.annotate("authentication.kubernetes.io/issued-credential-id", "JTI=\(token.id)")
        var answer = request
        answer["kind"] = "TokenRequest"
        answer["apiVersion"] = "authentication.k8s.io/v1"
        answer["metadata"] = [
            "name": .string(account.name), "namespace": .string(target.namespace), "uid": .string(account.uid),
            "creationTimestamp": .string(Timestamp.now()),
        ]
        answer["spec"]["expirationSeconds"] = .int(seconds)
        answer["spec"]["audiences"] = Value(audiences)
        answer["status"] = ["token": .string(token.text), "expirationTimestamp": .string(Timestamp.format(seconds: token.expires))]
        return Answer(.value(answer), code: 201)
    }

    /// The claims that tie the token to a pod, secret or node.
    private static func bind(_ reference: Value, account: Object, _ target: Target, _ write: WriteContext) throws -> TokenSigner.Binding {
        let (kind, name, uid) = (reference["kind"].string ?? "", reference["name"].string ?? "", reference["uid"].string ?? "")
        let registry = write.registry
        let version = reference["apiVersion"].string ?? ""
        guard !name.isEmpty else { throw APIError.badRequest("Name parameter required.") }
        let found: Object?
        // Those that a token can be bound to are all of the core group.
        switch version.contains("/") ? "" : kind {
        case "Pod":
            found = registry.latest("/pods", namespace: target.namespace, name: name)
            if let found, found.value[path: "spec", "serviceAccountName"].string != account.name {
                throw APIError.badRequest(
                    "cannot bind token for serviceaccount \"\(account.name)\" to pod running with different serviceaccount name.")
            }
        case "Secret": found = registry.latest("/secrets", namespace: target.namespace, name: name)
        case "Node": found = registry.latest("/nodes", name: name)
        default: throw APIError.badRequest("cannot bind token to object of type \(version), Kind=\(kind)")
        }
        let resource = kind.lowercased() + "s"
        guard let found else { throw APIError.notFound(resource, name) }
        if !uid.isEmpty, uid != found.uid {
            throw APIError.conflict(
                resource, name,
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted and then recreated"
            )
        }
        let claim = ServiceAccountClaims.Reference(name: name, uid: found.uid)
        switch kind {
        case "Pod":
            let name = found.value[path: "spec", "nodeName"].string ?? ""
            guard !name.isEmpty else { return TokenSigner.Binding(pod: claim) }
            // A Node that is not there any more still tells where the pod was sent.
            return TokenSigner.Binding(pod: claim, node: .init(name: name, uid: registry.latest("/nodes", name: name)?.uid ?? ""))
        case "Secret": return TokenSigner.Binding(secret: claim)
        default: return TokenSigner.Binding(node: claim)
        }
    }
}
