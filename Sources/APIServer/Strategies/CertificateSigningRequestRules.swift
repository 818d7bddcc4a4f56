import APIModel
import PKI

/// What a signing request must be, and who may change which part of its status.
enum CertificateSigningRequestRules {
    private static let lasting = CertificateSigningRequestStrategy.verdicts + ["Failed"]

    static func create(_ request: Value) -> [FieldError] {
        do {
            try SigningRequest(of: request).checkSignature()
            return []
        } catch {
            return [.invalid("spec.request", request[path: "spec", "request"], "\(error)")]
        }
    }

    static func update(_ request: Value, old: Value, subresource: String) -> [FieldError] {
        let before = old["status"]
        let after = request["status"]
        let path: FieldPath = "status.conditions"
        var errors = conditions(after["conditions"].elements, path)
        func of(_ type: String, _ status: Value) -> [Value] { status["conditions"].elements.filter { $0["type"].string == type } }
        for type in lasting where of(type, after).count < of(type, before).count {
            errors.append(.forbidden(path, "updates may not remove a condition of type \"\(type)\""))
        }
        for type in CertificateSigningRequestStrategy.verdicts where subresource != "approval" {
            let (old, new) = (of(type, before), of(type, after))
            if new.count > old.count { errors.append(.forbidden(path, "updates may not add a condition of type \"\(type)\"")) }
            if new.count == old.count, new != old {
                errors.append(.forbidden(path, "updates may not modify a condition of type \"\(type)\""))
            }
        }
        guard before["certificate"] != after["certificate"] else { return errors }
        if subresource != "status" {
            errors.append(.forbidden("status.certificate", "updates may not set certificate content"))
        } else if !before["certificate"].isEmpty {
            errors.append(.forbidden("status.certificate", "updates may not modify existing certificate content"))
        } else if let bytes = Base64.decode(after["certificate"].string ?? ""), !bytes.isEmpty {
            do {
                try CertificateChain.check(pem: String(decoding: bytes, as: UTF8.self))
            } catch {
                errors.append(.invalid("status.certificate", "<certificate data>", "\(error)"))
            }
        }
        return errors
    }

    private static func conditions(_ conditions: [Value], _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        var seen: Set<String> = []
        for (index, condition) in conditions.enumerated() {
            let type = condition["type"].string ?? ""
            if type.isEmpty { errors.append(.required(path.index(index).child("type"))) }
            // A verdict is given or it is not; there is no taking it back by a status.
            let accepted = lasting.contains(type) ? ["True"] : ["False", "True", "Unknown"]
            let status = condition["status"].string ?? ""
            if status.isEmpty {
                errors.append(.required(path.index(index).child("status")))
            } else if !accepted.contains(status) {
                errors.append(.notSupported(path.index(index).child("status"), condition["status"], accepted))
            }
            let verdicts = CertificateSigningRequestStrategy.verdicts
            if verdicts.contains(type), verdicts.contains(where: { $0 != type && seen.contains($0) }) {
                errors.append(.invalid(path, .string(type), "Approved and Denied conditions are mutually exclusive"))
            }
            if !seen.insert(type).inserted { errors.append(.duplicate(path.index(index).child("type"), .string(type))) }
        }
        return errors
    }
}
