import APIModel
import OrderedCollections

/// The reviews: questions about who somebody is and may do, answered and not stored.
struct AccessReviews: Sendable {
    let authorizer: AuthorizerChain
    let authenticator: any TokenAuthenticator

    var handlers: Handlers.Table {
        [
            .init("authorization.k8s.io/selfsubjectaccessreviews", "", .create): answer { review, call in
                try AccessReviewRules.check(review, .own)
                return await accessReview(review, user: call.context.user)
            },
            .init("authorization.k8s.io/subjectaccessreviews", "", .create): answer { review, _ in
                try AccessReviewRules.check(review, .anybody)
                return await accessReview(review, user: subject(review))
            },
            .init("authorization.k8s.io/localsubjectaccessreviews", "", .create): answer { review, call in
                try AccessReviewRules.check(review, .local(namespace: call.target.namespace))
                var review = await accessReview(review, user: subject(review))
                review["metadata"]["namespace"] = .string(call.target.namespace)
                return review
            },
            .init("authorization.k8s.io/selfsubjectrulesreviews", "", .create): answer { try rulesReview($0, user: $1.context.user) },
            .init("authentication.k8s.io/selfsubjectreviews", "", .create): answer { review, call in
                var review = filled(review, status: ["userInfo": call.context.user.value])
                review["metadata"] = ["creationTimestamp": .string(Timestamp.now())]
                return review
            },
            .init("authentication.k8s.io/tokenreviews", "", .create): answer { review, _ in try await tokenReview(review) },
        ]
    }

    /// A review goes through admission as every create does.
    private func answer(_ review: @escaping @Sendable (Value, Call) async throws -> Value) -> Handler {
        { call in
            try await call.context.admitCreation(of: try call.object, call.target) { object in
                (Answer(.value(try await review(object, call)), code: 201), .dropped)
            }
        }
    }

    private func filled(_ review: Value, status: Value) -> Value {
        var review = review
        if review["metadata"].isNull { review["metadata"] = .emptyObject }
        review["status"] = status
        return review
    }

    private func accessReview(_ review: Value, user: UserInfo) async -> Value {
        let resource = review[path: "spec", "resourceAttributes"]
        let other = review[path: "spec", "nonResourceAttributes"]
        let attributes: Attributes
        if !resource.isNull {
            var asked = Attributes(
                user: user, verb: resource["verb"].string ?? "", group: resource["group"].string ?? "",
                resource: resource["resource"].string ?? "",
                subresource: resource["subresource"].string ?? "", namespace: resource["namespace"].string ?? "",
                name: resource["name"].string ?? "")
            asked.version = resource["version"].string ?? ""
            asked.fieldSelector = AccessQuestion.fields(resource["fieldSelector"])
            asked.labelSelector = AccessQuestion.labels(resource["labelSelector"])
            attributes = asked
        } else {
            attributes = Attributes(user: user, verb: other["verb"].string ?? "", path: other["path"].string ?? "")
        }
        var status: Value
        switch await authorizer.authorize(attributes) {
        case .allow(let reason): status = ["allowed": true, "reason": reason.isEmpty ? .null : .string(reason)]
        case .pass(let reason): status = ["allowed": false, "reason": reason.isEmpty ? .null : .string(reason)]
        case .deny(let reason): status = ["allowed": false, "denied": true, "reason": reason.isEmpty ? .null : .string(reason)]
        case .fail(let problem, let isDenied):
            status = ["allowed": false, "denied": isDenied ? true : .null, "evaluationError": .string(problem)]
        }
        return filled(review, status: status)
    }

    private func subject(_ review: Value) -> UserInfo {
        let spec = review["spec"]
        let extra = spec["extra"].fields.map { ($0.key, $0.value.elements.compactMap(\.string)) }
        return UserInfo(
            name: spec["user"].string ?? "", uid: spec["uid"].string ?? "", groups: spec["groups"].elements.compactMap(\.string),
            extra: Dictionary(uniqueKeysWithValues: extra))
    }

    private func rulesReview(_ review: Value, user: UserInfo) throws -> Value {
        let namespace = review[path: "spec", "namespace"].string ?? ""
        guard !namespace.isEmpty else { throw APIError.badRequest("no namespace on request") }
        // Who has a right twice is told once.
        var seen: Set<PolicyRule> = []
        let rules = authorizer.rules(for: user, namespace: namespace).filter { seen.insert($0).inserted }
        let hidden = authorizer.unresolvedRules(for: user)
        // What was asked is not said again.
        return filled(
            ["kind": review["kind"], "apiVersion": review["apiVersion"], "spec": .emptyObject],
            status: [
                "resourceRules": .array(rules.filter { $0.urls.isEmpty }.map(\.value)),
                "nonResourceRules": .array(rules.filter { !$0.urls.isEmpty }.map(\.value)),
                "incomplete": .bool(hidden != nil), "evaluationError": hidden.map { .string($0) } ?? .null,
            ])
    }

    private func tokenReview(_ review: Value) async throws -> Value {
        guard let token = review[path: "spec", "token"].string, !token.isEmpty else {
            throw APIError.badRequest("token is required for TokenReview in authentication")
        }
        let audiences = review[path: "spec", "audiences"].elements.compactMap(\.string)
        switch await authenticator.authenticate(token: token, audiences: audiences) {
        case .user(let user, let agreed, _):
            // Those in common, not those asked for: who asked trusts what stands here.
            return filled(
                review, status: ["authenticated": true, "user": user.authenticated.value, "audiences": agreed.map { Value($0) } ?? .null])
        case .refused(let why, _): return filled(review, status: ["user": .emptyObject, "error": .string(why)])
        case .unknown: return filled(review, status: ["user": .emptyObject, "error": "invalid bearer token"])
        }
    }
}
