import APIModel

/// Signing requests carry who asked; approvers write conditions, signers the certificate.
struct CertificateSigningRequestStrategy: Strategy {
    private static let verdicts: Set = ["Approved", "Denied"]

    func prepareForCreate(_ request: inout Value, _ target: Target, _ write: WriteContext) async throws {
        let user = write.user.value
        for field in ["username", "uid", "groups", "extra"] { request["spec"][field] = user[field] }
        request["status"] = .emptyObject
    }

    func prepareForUpdate(_ request: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        switch target.subresource {
        case "approval":
            let (conditions, version) = (request["status"]["conditions"], request["metadata"]["resourceVersion"])
            request = old
            request["metadata"]["resourceVersion"] = version
            request["status"]["conditions"] = Self.stamped(conditions, old: old)
        case "status":
            let kept = old[path: "status", "conditions"].elements.filter { Self.verdicts.contains($0["type"].string ?? "") }
            let given = request[path: "status", "conditions"].elements.filter { !Self.verdicts.contains($0["type"].string ?? "") }
            if !(kept + given).isEmpty { request["status"]["conditions"] = Self.stamped(.array(kept + given), old: old) }
        default:
            request["spec"] = old["spec"]
        }
    }

    private static func stamped(_ conditions: Value, old: Value) -> Value {
        .array(
            conditions.elements.map { condition in
                var condition = condition
                let before = old[path: "status", "conditions"].elements.first { $0["type"] == condition["type"] }
                if condition["lastUpdateTime"].isNull {
                    condition["lastUpdateTime"] = before?["lastUpdateTime"] ?? .string(Timestamp.now())
                }
                if condition["lastTransitionTime"].isNull {
                    condition["lastTransitionTime"] = before?["lastTransitionTime"] ?? .string(Timestamp.now())
                }
                return condition
            })
    }
}
