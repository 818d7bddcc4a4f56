import APIModel

/// Signing requests carry who asked; approvers write conditions, signers the certificate.
struct CertificateSigningRequestStrategy: Strategy {
    static let verdicts = ["Approved", "Denied"]

    func prepareForCreate(_ request: inout Value, _ target: Target, _ write: WriteContext) async throws {
        let user = write.user.value
        for field in ["username", "uid", "groups", "extra"] { request["spec"][field] = user[field] }
        request["status"] = .emptyObject
    }

    func prepareForUpdate(_ request: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        switch target.subresource {
        case "approval":
            let conditions = request["status"]["conditions"]
            request["spec"] = old["spec"]
            request["status"] = old["status"]
            request["status"]["conditions"] = Self.stamped(conditions, old: old)
        case "status":
            var conditions = request[path: "status", "conditions"]
            for verdict in Self.verdicts { Self.keep(verdict, in: &conditions, of: old) }
            if !conditions.isNull { request["status"]["conditions"] = Self.stamped(conditions, old: old) }
        default:
            request["spec"] = old["spec"]
        }
    }

    func validate(_ request: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        guard let old else { return CertificateSigningRequestRules.create(request) }
        return CertificateSigningRequestRules.update(request, old: old, subresource: target.subresource)
    }

    /// A signer sends the verdict along as it was; that some field of it got lost on the way is no change of it.
    private static func keep(_ verdict: String, in conditions: inout Value, of old: Value) {
        let before = old[path: "status", "conditions"].elements.filter { $0["type"].string == verdict }
        let places = conditions.elements.indices.filter { conditions[$0]["type"].string == verdict }
        guard before.count == places.count else { return }
        for (place, condition) in zip(places, before) { conditions[place] = condition }
    }

    private static func stamped(_ conditions: Value, old: Value) -> Value {
        .array(
            conditions.elements.map { condition in
                var condition = condition
                if condition["lastUpdateTime"].isNull { condition["lastUpdateTime"] = .string(Timestamp.now()) }
                guard condition["lastTransitionTime"].isNull else { return condition }
                let same = old[path: "status", "conditions"].elements.first {
                    $0["type"] == condition["type"] && $0["status"] == condition["status"] && !$0["lastTransitionTime"].isNull
                }
                condition["lastTransitionTime"] = same?["lastTransitionTime"] ?? .string(Timestamp.now())
                return condition
            })
    }
}
