public import APIModel
public import PluginKit

/// Makes the ResourceClaims that Pods want made of templates, reserves claims for Pods that went past the scheduler, and lets go of claims
/// that nobody uses any more.
///
/// Rules: upstream `pkg/controller/resourceclaim`. A key is a claim or a Pod.
public struct ResourceClaimController: Controller {
    private static let claims = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaims")
    private static let templates = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaimtemplates")

    private let objects: Objects
    private let log: Log

    public init(_ host: Host, config: Value) {
        objects = host.objects
        log = host.log
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        if key.resource == GroupVersionResource.pods.description { try settlePod(key) } else { try settleClaim(key) }
        return .done
    }

    // MARK: Pods

    private func settlePod(_ key: Key) throws {
        // One that will not run needs no claims: those that were made for it have just gone.
        guard var pod = try objects.get(.pods, namespace: key.namespace, name: key.name), pod["metadata"]["deletionTimestamp"].isNull,
            !PodState.isDone(pod)
        else { return }
        var statuses = pod["status"]["resourceClaimStatuses"].elements
        for entry in pod["spec"]["resourceClaims"].elements {
            do {
                guard let name = try made(entry, for: pod) else { continue }
                statuses.removeAll { $0["name"] == entry["name"] }
                statuses.append(["name": entry["name"], "resourceClaimName": .string(name)])
            } catch let error as APIError {
                let message = "PodResourceClaim \(entry["name"].string ?? ""): \(error.message)"
                objects.event(pod, .warning, reason: "FailedResourceClaimCreation", message: message)
                throw error
            }
        }
        if statuses != pod["status"]["resourceClaimStatuses"].elements { pod = try apply(statuses, to: pod) }
        // Who went through the scheduler has them reserved.
        if !pod["spec"]["nodeName"].isEmpty { try reserve(for: pod) }
    }

    /// The name of the claim that was made for an entry and that the Pod does not know yet; `nil` where there is nothing to say.
    private func made(_ entry: Value, for pod: Value) throws -> String? {
        let namespace = pod["metadata"]["namespace"].string ?? ""
        switch PodResourceClaims.find(entry, of: pod) {
        case .named, .skipped, .unknown: return nil
        case .made(let name):
            if let claim = try objects.get(Self.claims, namespace: namespace, name: name), OwnerReference.isControlled(claim, by: pod) {
                return nil
            }
        case .missing: break
        }
        guard let template = entry["resourceClaimTemplateName"].string, let entryName = entry["name"].string else { return nil }
        // One that was made before the Pod was told.
        let orphan = try objects.dependents(of: pod["metadata"]["uid"].string ?? "", Self.claims).first {
            $0["metadata"]["annotations"][ClaimFromTemplate.annotation].string == entryName && OwnerReference.isControlled($0, by: pod)
        }
        if let orphan { return orphan["metadata"]["name"].string }
        guard let found = try objects.get(Self.templates, namespace: namespace, name: template) else {
            var error = APIError.notFound("resourceclaimtemplates", template)
            error.message = "resource claim template \"\(template)\": resourceclaimtemplate.resource.k8s.io \"\(template)\" not found"
            throw error
        }
        do {
            return try objects.create(Self.claims, namespace: namespace, ClaimFromTemplate.make(found, entryName, for: pod))["metadata"][
                "name"
            ].string
        } catch var error as APIError {
            error.message = "create ResourceClaim : \(error.message)"
            throw error
        }
    }

    private func apply(_ statuses: [Value], to pod: Value) throws -> Value {
        let metadata = pod["metadata"]
        return try objects.apply(
            .pods,
            [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": ["namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]],
                "status": ["resourceClaimStatuses": .array(statuses)],
            ], subresource: "status", with: WriteOptions(fieldManager: "ResourceClaimController", force: true))
    }

    private func reserve(for pod: Value) throws {
        let metadata = pod["metadata"]
        for entry in pod["spec"]["resourceClaims"].elements {
            let (name, mustBeOwn): (String, Bool)
            switch PodResourceClaims.find(entry, of: pod) {
            case .named(let found): (name, mustBeOwn) = (found, false)
            case .made(let found): (name, mustBeOwn) = (found, true)
            case .skipped, .missing, .unknown: continue
            }
            guard let claim = try objects.get(Self.claims, namespace: metadata["namespace"].string ?? "", name: name) else { return }
            guard !mustBeOwn || OwnerReference.isControlled(claim, by: pod), !claim["status"]["allocation"].isNull,
                claim["status"]["reservedFor"].elements.count < Reservations.most,
                !claim["status"]["reservedFor"].elements.contains(where: { $0["uid"] == metadata["uid"] })
            else { continue }
            var reserved = claim
            reserved["status"]["reservedFor"].elements.append(["resource": "pods", "name": metadata["name"], "uid": metadata["uid"]])
            try objects.updateStatus(Self.claims, reserved)
        }
    }

    // MARK: Claims

    private func settleClaim(_ key: Key) throws {
        guard var claim = try objects.get(Self.claims, namespace: key.namespace, name: key.name) else { return }
        let plan = try Reservations(claim) { try holds($0, in: key.namespace) }
        if let status = plan.status {
            claim["status"] = status
            claim = try objects.updateStatus(Self.claims, claim)
        }
        if plan.removesFinalizer {
            let rest = claim["metadata"]["finalizers"].elements.filter { $0.string != Reservations.finalizer }
            claim["metadata"]["finalizers"] = rest.isEmpty ? .null : .array(rest)
            do { claim = try objects.update(Self.claims, claim) } catch let error as APIError where error.reason == .notFound { return }
        }
        // The garbage collector would wait until the Pod itself is deleted.
        guard plan.isUnused, try isOwnerDone(claim) else { return }
        try objects.remove(Self.claims, claim)
    }

    /// Whether a Pod may still use what is reserved for it. That it is gone, only the API itself can say.
    private func holds(_ reservation: Value, in namespace: String) throws -> Bool {
        let name = reservation["name"].string ?? ""
        guard
            let pod = try objects.get(.pods, namespace: namespace, name: name)
                ?? objects.fetch(.pods, namespace: namespace, name: name)
        else { return false }
        return pod["metadata"]["uid"] == reservation["uid"] && !PodState.isDone(pod)
    }

    private func isOwnerDone(_ claim: Value) throws -> Bool {
        let owner = OwnerReference.controller(of: claim)
        guard owner["apiVersion"].string == "v1", owner["kind"].string == "Pod",
            let pod = try objects.get(.pods, namespace: claim["metadata"]["namespace"].string ?? "", name: owner["name"].string ?? "")
        else { return false }
        return pod["metadata"]["uid"] != owner["uid"] || PodState.isDone(pod)
    }

    // MARK: Who wants to know

    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let object = after.isNull ? before : after
        do {
            switch resource {
            case GroupVersionResource.pods.description: return concerned(before, after)
            case Self.claims.description: return try users(of: object, Self.claimFields)
            case Self.templates.description: return try users(of: object, Self.templateFields)
            default: return []
            }
        } catch {
            log.error("who uses \(object["metadata"]["name"].string ?? "") could not be found: \(error)")
            return []
        }
    }

    /// The Pod, and the claims that it does not need any more.
    private func concerned(_ before: Value, _ after: Value) -> [Key] {
        let pod = after.isNull ? before : after
        let namespace = pod["metadata"]["namespace"].string ?? ""
        var keys: [Key] = []
        if after.isNull || PodState.isDone(pod) {
            keys += PodResourceClaims.names(of: pod).map { Key(resource: Self.claims.description, namespace: namespace, name: $0) }
        }
        if pod["metadata"]["deletionTimestamp"].isNull, !after.isNull { keys.append(Self.key(pod)) }
        return keys
    }

    private static let claimFields = ["spec.resourceClaims[*].resourceClaimName", "status.resourceClaimStatuses[*].resourceClaimName"]
    private static let templateFields = ["spec.resourceClaims[*].resourceClaimTemplateName"]

    /// The Pods that name an object in one of these fields, for which the manifest has indexes.
    private func users(of object: Value, _ fields: [String]) throws -> [Key] {
        let (namespace, name) = (object["metadata"]["namespace"].string ?? "", object["metadata"]["name"].string ?? "")
        return try fields.flatMap { try objects.list(.pods, namespace: namespace, fields: "\($0)=\(name)") }.map(Self.key)
    }

    private static func key(_ pod: Value) -> Key { Key(pod, of: GroupVersionResource.pods.description) }
}
