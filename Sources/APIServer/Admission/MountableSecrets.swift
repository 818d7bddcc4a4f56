import APIModel

/// The secrets that the pods of a service account may use, where the account says that there are no others.
struct MountableSecrets {
    /// What an account says so with.
    static let annotation = "kubernetes.io/enforce-mountable-secrets"
    private static let kinds = [
        ("initContainers", "init container"), ("containers", "container"), ("ephemeralContainers", "ephemeral container"),
    ]

    private let account: String
    private let secrets: Set<String>
    private let pullSecrets: Set<String>

    /// `nil` for an account that does not keep to its list.
    init?(_ account: Value) {
        let isEnforced = account[path: "metadata", "annotations"][Self.annotation].string ?? ""
        guard ["1", "t", "T", "true", "TRUE", "True"].contains(isEnforced) else { return nil }
        func names(_ field: String) -> Set<String> { Set(account[field].elements.compactMap { $0["name"].string }) }
        self.account = account[path: "metadata", "name"].string ?? ""
        secrets = names("secrets")
        pullSecrets = names("imagePullSecrets")
    }

    /// What a new pod may not use, in upstream's words; `nil` where there is nothing.
    func problem(in pod: Value) -> String? {
        for volume in pod[path: "spec", "volumes"].elements where !volume["secret"].isNull {
            let name = volume["secret"]["secretName"].string ?? ""
            if !secrets.contains(name) { return refusal("volume with secret.secretName=\"\(name)\"") }
        }
        for (list, what) in Self.kinds where list != "ephemeralContainers" {
            if let problem = problem(in: pod["spec"][list], what) { return problem }
        }
        for (index, reference) in pod[path: "spec", "imagePullSecrets"].elements.enumerated() {
            let name = reference["name"].string ?? ""
            guard !pullSecrets.contains(name) else { continue }
            return refusal("imagePullSecrets[\(index)].name=\"\(name)\"", reference: "imagePullSecret")
        }
        return nil
    }

    /// The same of containers that come later.
    func problemOfEphemeralContainers(in pod: Value) -> String? {
        problem(in: pod[path: "spec", "ephemeralContainers"], "ephemeral container")
    }

    private func problem(in containers: Value, _ what: String) -> String? {
        for container in containers.elements {
            let name = "\(what) \(container["name"].string ?? "")"
            for variable in container["env"].elements where !variable["valueFrom"]["secretKeyRef"].isNull {
                let secret = variable["valueFrom"]["secretKeyRef"]["name"].string ?? ""
                guard !secrets.contains(secret) else { continue }
                return refusal("\(name) with envVar \(variable["name"].string ?? "") referencing secret.secretName=\"\(secret)\"")
            }
            for source in container["envFrom"].elements where !source["secretRef"].isNull {
                let secret = source["secretRef"]["name"].string ?? ""
                if !secrets.contains(secret) { return refusal("\(name) with envFrom referencing secret.secretName=\"\(secret)\"") }
            }
        }
        return nil
    }

    private func refusal(_ what: String, reference: String = "secret") -> String {
        "\(what) is not allowed because service account \(account) does not reference that \(reference)"
    }
}
