import APIModel

/// Gives every pod a service account, and its containers a token for the API unless somebody said no.
struct ServiceAccountAdmission: MutatingMember, ValidatingMember {
    let name = "ServiceAccount"

    private static let mountPath = "/var/run/secrets/kubernetes.io/serviceaccount"

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create, request.isOfObject else { return }
        if MirrorPod.isOne(pod) { return try Self.checkMirror(pod, request.target) }
        var name = pod[path: "spec", "serviceAccountName"].string ?? ""
        if name.isEmpty { name = "default" }
        pod["spec"]["serviceAccountName"] = .string(name)
        pod["spec"]["serviceAccount"] = .string(name)
        let account = try Self.account(name, request)
        if pod[path: "spec", "imagePullSecrets"].isEmpty, !account["imagePullSecrets"].isEmpty {
            pod["spec"]["imagePullSecrets"] = account["imagePullSecrets"]
        }
        guard pod[path: "spec", "automountServiceAccountToken"].bool ?? account["automountServiceAccountToken"].bool ?? true else { return }
        Self.mountToken(&pod)
    }

    /// Whoever changed the pod on its way: it has an account, and uses no secret that the account keeps from it.
    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        let isNew = request.operation == .create && request.isOfObject
        guard isNew || request.operation == .update && request.target.subresource == "ephemeralcontainers" else { return nil }
        if isNew, MirrorPod.isOne(pod) {
            try Self.checkMirror(pod, request.target)
            return nil
        }
        let name = pod[path: "spec", "serviceAccountName"].string ?? ""
        guard !name.isEmpty else {
            throw request.target.forbidden(
                "no service account specified for pod \(request.target.namespace)/\(pod[path: "metadata", "name"].string ?? "")")
        }
        let secrets = MountableSecrets(try Self.account(name, request))
        if let problem = isNew ? secrets?.problem(in: pod) : secrets?.problemOfEphemeralContainers(in: pod) {
            throw request.target.forbidden(problem)
        }
        return nil
    }

    private static func account(_ name: String, _ request: AdmissionRequest) throws -> Value {
        let target = request.target
        guard let account = request.registry.latest("/serviceaccounts", namespace: target.namespace, name: name)?.value else {
            throw target.forbidden("error looking up service account \(target.namespace)/\(name): serviceaccount \"\(name)\" not found")
        }
        return account
    }

    /// The API is told of a mirror pod: what it would bring along, its node could read then.
    private static func checkMirror(_ pod: Value, _ target: Target) throws {
        guard (pod[path: "spec", "serviceAccountName"].string ?? "").isEmpty else {
            throw target.forbidden("a mirror pod may not reference service accounts")
        }
        guard PodReferences(pod).names["/secrets"] == nil else { throw target.forbidden("a mirror pod may not reference secrets") }
        let sources = pod[path: "spec", "volumes"].elements.flatMap { $0["projected"]["sources"].elements }
        guard sources.allSatisfy({ $0["serviceAccountToken"].isNull }) else {
            throw target.forbidden("a mirror pod may not use ServiceAccountToken volume projections")
        }
    }

    private static func mountToken(_ pod: inout Value) {
        let existing = pod[path: "spec", "volumes"].elements.compactMap { $0["name"].string }.first { $0.hasPrefix("kube-api-access-") }
        let volume = existing ?? "kube-api-access-\(ObjectMeta.randomSuffix())"
        var isNeeded = false
        for list in ["initContainers", "containers"] where !pod["spec"][list].isEmpty {
            for index in pod["spec"][list].elements.indices {
                let mounts = pod["spec"][list][index]["volumeMounts"].elements
                if mounts.contains(where: { $0["mountPath"].string == mountPath }) { continue }
                pod["spec"][list][index]["volumeMounts"] = .array(
                    mounts + [["name": .string(volume), "readOnly": true, "mountPath": .string(mountPath)]])
                isNeeded = true
            }
        }
        if isNeeded, existing == nil { pod["spec"]["volumes"].elements.append(["name": .string(volume), "projected": source]) }
    }

    private static let source: Value = [
        "defaultMode": 0o644,
        "sources": [
            ["serviceAccountToken": ["expirationSeconds": .int(TokenSigner.lifetimeOfPods), "path": "token"]],
            ["configMap": ["name": "kube-root-ca.crt", "items": [["key": "ca.crt", "path": "ca.crt"]]]],
            ["downwardAPI": ["items": [["path": "namespace", "fieldRef": ["apiVersion": "v1", "fieldPath": "metadata.namespace"]]]]],
        ],
    ]
}
