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
            var asked = try call.object
            let (target, context) = (call.target, call.context)
            let request = AdmissionRequest(operation: .create, target: target, context: context)
            try await target.storage.admission.admit(&asked, request)
            return try await target.storage.admission.validate(asked, request) { [asked] in
                (try issue(target, asked, context), .dropped)
            }
        }
    ]

    static func issue(_ target: Target, _ request: Value, _ write: WriteContext) throws -> Answer {
        let account = try write.registry.get(target.named(target.name, subresource: "")).object
        let seconds = request[path: "spec", "expirationSeconds"].int ?? 3600
        func invalid(_ error: FieldError) -> APIError {
            .invalid(group: "authentication.k8s.io", kind: "TokenRequest", name: "", errors: [error])
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
        let token = try tokens.token(account, audiences: audiences, lifetime: seconds, binding: binding)
        var answer = request
        answer["kind"] = "TokenRequest"
        answer["apiVersion"] = "authentication.k8s.io/v1"
        answer["metadata"] = [
            "name": .string(account.name), "namespace": .string(target.namespace), "creationTimestamp": .string(Timestamp.now()),
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
        let found: Object?
        switch kind {
        case "Pod":
            found = registry.latest("/pods", namespace: target.namespace, name: name)
            if let found, found.value[path: "spec", "serviceAccountName"].string != account.name {
                throw APIError.badRequest(
                    "cannot bind token for serviceaccount \"\(account.name)\" to pod running with different serviceaccount name.")
            }
        case "Secret": found = registry.latest("/secrets", namespace: target.namespace, name: name)
        case "Node": found = registry.latest("/nodes", name: name)
        default: throw APIError.badRequest("cannot bind token to object of type \(reference["apiVersion"].string ?? ""), Kind=\(kind)")
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
            let node = registry.latest("/nodes", name: found.value[path: "spec", "nodeName"].string ?? "")
            return TokenSigner.Binding(pod: claim, node: node.map { .init(name: $0.name, uid: $0.uid) })
        case "Secret": return TokenSigner.Binding(secret: claim)
        default: return TokenSigner.Binding(node: claim)
        }
    }
}
