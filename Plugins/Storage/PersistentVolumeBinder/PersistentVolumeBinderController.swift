public import APIModel
public import PluginKit

/// Brings claims and volumes together: one that fits, or one that is made for the claim; and says what becomes of volumes whose claim is
/// gone.
///
/// Rules: upstream `pkg/controller/volume/persistentvolume`. `ClaimPlan` and `VolumePlan` decide. No kind of volume is made, deleted or
/// recycled here: whoever serves a StorageClass does that.
public struct PersistentVolumeBinderController: Controller {
    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    /// Of a claim or a volume.
    public func reconcile(_ key: Key) throws -> Outcome {
        if key.resource == StorageObjects.volumes.description {
            guard let volume = try objects.get(StorageObjects.volumes, name: key.name) else { return .done }
            try settle(volume)
        } else {
            guard let claim = try objects.get(StorageObjects.claims, namespace: key.namespace, name: key.name) else { return .done }
            try settle(claim: claim)
        }
        return .done
    }

    // MARK: Claims

    private func settle(claim: Value) throws {
        switch try step(for: claim) {
        case .bind(let volume): try bind(volume, claim)
        case .wait(let notice):
            tell(claim, notice)
            try write(Binding.status(claim, phase: "Pending", nil), of: claim)
        case .lose(let notice):
            guard claim["status"]["phase"].string != "Lost" else { return }
            try write(Binding.status(claim, phase: "Lost", nil), of: claim)
            tell(claim, notice)
        case .take(let storageClass):
            var changed = claim
            changed["spec"]["storageClassName"] = .string(storageClass)
            try objects.update(StorageObjects.claims, changed)
        case .select(let node): try annotate(claim, [StorageAnnotation.selectedNode: node])
        case .provision(let provisioner):
            try annotate(claim, [StorageAnnotation.provisioner: provisioner, StorageAnnotation.provisionerBeta: provisioner])
            tell(
                claim,
                ClaimPlan.Notice(
                    reason: "ExternalProvisioning",
                    message:
                        "Waiting for a volume to be created either by the external provisioner '\(provisioner)' or manually by the system "
                        + "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
                ))
        case .refuse(let notice): tell(claim, notice)
        case .fail(let notice, let message):
            tell(claim, notice)
            throw ComponentError.fault(message)
        }
    }

    private func step(for claim: Value) throws -> ClaimPlan.Step {
        let name = claim["spec"]["volumeName"].string ?? ""
        let volume = name.isEmpty ? nil : try objects.get(StorageObjects.volumes, name: name)
        if ClaimPlan.isBindCompleted(claim) { return ClaimPlan.bound(claim, volume) }
        return name.isEmpty ? ClaimPlan.open(claim, try choice(for: claim)) : ClaimPlan.named(claim, volume)
    }

    private func choice(for claim: Value) throws -> ClaimPlan.Choice {
        var choice = ClaimPlan.Choice()
        let reserved = try objects.list(StorageObjects.volumes, fields: "spec.claimRef.name=\(claim["metadata"]["name"].string ?? "")")
        choice.volumes =
            reserved.filter { StorageObjects.isMeant($0, for: claim) }
            + (try objects.list(StorageObjects.volumes, fields: "status.phase=Available"))
        let name = StorageObjects.className(of: claim)
        if !name.isEmpty { choice.storageClass = try objects.get(StorageObjects.classes, name: name) }
        if !StorageObjects.hasClass(claim) { choice.defaultClass = try defaultClass() }
        if choice.storageClass.map(StorageObjects.waitsForConsumer) == true {
            choice.pods = try objects.pods(using: claim)
            let placed = choice.pods.first { !PodState.isTerminal($0) && !$0["spec"]["nodeName"].isEmpty }
            choice.node = try placed?["spec"]["nodeName"].string.flatMap { try objects.get(.nodes, name: $0) }
        }
        return choice
    }

    /// The newest of those that say they are it.
    private func defaultClass() throws -> String? {
        let classes = try objects.list(StorageObjects.classes).filter(StorageObjects.isDefault)
        func age(_ storageClass: Value) -> String { storageClass["metadata"]["creationTimestamp"].string ?? "" }
        return classes.max { age($0) < age($1) }?["metadata"]["name"].string
    }

    /// Each write stands by itself: what comes between two of them, the next look at the claim finishes.
    private func bind(_ volume: Value, _ claim: Value) throws {
        var (volume, claim) = (volume, claim)
        if let changed = Binding.volume(volume, for: claim) { volume = try objects.update(StorageObjects.volumes, changed) }
        volume = try write("Bound", of: volume)
        if let changed = Binding.claim(claim, to: volume) { claim = try objects.update(StorageObjects.claims, changed) }
        try write(Binding.status(claim, phase: "Bound", volume), of: claim)
    }

    private func annotate(_ claim: Value, _ annotations: [String: String]) throws {
        var changed = claim
        for (name, value) in annotations { changed["metadata"]["annotations"][name] = .string(value) }
        if changed != claim { try objects.update(StorageObjects.claims, changed) }
    }

    private func write(_ status: Value?, of claim: Value) throws {
        guard let status else { return }
        var changed = claim
        changed["status"] = status
        try objects.updateStatus(StorageObjects.claims, changed)
    }

    private func tell(_ object: Value, _ notice: ClaimPlan.Notice?) {
        guard let notice else { return }
        objects.event(object, notice.isWarning ? .warning : .normal, reason: notice.reason, message: notice.message)
    }

    // MARK: Volumes

    private func settle(_ volume: Value) throws {
        let claim = try claim(of: volume)
        switch VolumePlan.step(volume, claim: claim) {
        case .phase(let phase): _ = try write(phase, of: volume)
        case .release: try release(volume)
        case .unbind: _ = try write("Available", of: try objects.update(StorageObjects.volumes, VolumePlan.unbound(volume)))
        case .refuse:
            let (name, wanted) = (volume["metadata"]["name"].string ?? "", claim?["metadata"]["name"].string ?? "")
            tell(
                volume,
                .warning(
                    "VolumeMismatch",
                    "Cannot bind PersistentVolume to requested PersistentVolumeClaim \"\(wanted)\" due to incompatible volumeMode."))
            tell(
                claim ?? .null,
                .warning(
                    "VolumeMismatch",
                    "Cannot bind PersistentVolume \"\(name)\" to requested PersistentVolumeClaim due to incompatible volumeMode."))
        case .wait: break
        }
    }

    /// The claim that the volume is bound to. That it is gone, only the API itself can say: then data may be deleted.
    private func claim(of volume: Value) throws -> Value? {
        let reference = volume["spec"]["claimRef"]
        guard let name = reference["name"].string, !reference["uid"].isEmpty else { return nil }
        func isIt(_ claim: Value?) -> Bool { claim?["metadata"]["uid"] == reference["uid"] }
        let cached = try objects.get(StorageObjects.claims, namespace: reference["namespace"].string ?? "", name: name)
        if isIt(cached) { return cached }
        let live = try objects.fetch(StorageObjects.claims, namespace: reference["namespace"].string ?? "", name: name)
        return isIt(live) ? live : nil
    }

    private func release(_ volume: Value) throws {
        var volume = volume
        if !["Released", "Failed"].contains(volume["status"]["phase"].string ?? "") { volume = try write("Released", of: volume) }
        guard let failure = VolumePlan.failure(volume), volume["status"]["phase"].string != "Failed" else { return }
        volume = try write("Failed", of: volume, message: failure.message)
        tell(volume, .warning(failure.reason, failure.message))
    }

    private func write(_ phase: String, of volume: Value, message: String = "") throws -> Value {
        guard volume["status"]["phase"].string != phase else { return volume }
        var changed = volume
        changed["status"]["phase"] = .string(phase)
        changed["status"]["message"] = message.isEmpty ? .null : .string(message)
        return try objects.updateStatus(StorageObjects.volumes, changed)
    }

    // MARK: Who wants to know

    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let object = after.isNull ? before : after
        switch resource {
        case GroupVersionResource.pods.description: return PodClaims.keys(object)
        case StorageObjects.claims.description: return (try? volumes(concernedBy: object)) ?? []
        case StorageObjects.volumes.description: return (try? claims(concernedBy: before, after)) ?? []
        case StorageObjects.classes.description: return after.isNull ? [] : (try? pending(after)) ?? []
        default: return []
        }
    }

    /// The volume that the claim names, and those that name the claim.
    private func volumes(concernedBy claim: Value) throws -> [Key] {
        let (name, namespace) = (claim["metadata"]["name"].string ?? "", claim["metadata"]["namespace"])
        var names = Set([claim["spec"]["volumeName"].string].compactMap { $0 }.filter { !$0.isEmpty })
        for volume in try objects.list(StorageObjects.volumes, fields: "spec.claimRef.name=\(name)")
        where volume["spec"]["claimRef"]["namespace"] == namespace {
            names.insert(volume["metadata"]["name"].string ?? "")
        }
        return names.sorted().map { Key(resource: StorageObjects.volumes.description, name: $0) }
    }

    /// The claims that the volume names, that name it, and, where it has become free, that may take it.
    private func claims(concernedBy before: Value, _ after: Value) throws -> [Key] {
        var keys: [Key] = []
        for volume in [before, after] {
            guard let name = volume["spec"]["claimRef"]["name"].string else { continue }
            keys.append(
                Key(
                    resource: StorageObjects.claims.description, namespace: volume["spec"]["claimRef"]["namespace"].string ?? "", name: name
                ))
        }
        let name = (after.isNull ? before : after)["metadata"]["name"].string ?? ""
        keys += try objects.list(StorageObjects.claims, fields: "spec.volumeName=\(name)").map(Self.key)
        if after["status"]["phase"].string == "Available", after["spec"]["claimRef"].isNull {
            let storageClass = StorageObjects.className(of: after)
            keys += try pendingClaims().filter { StorageObjects.className(of: $0) == storageClass }.map(Self.key)
        }
        var seen: Set<Key> = []
        return keys.filter { seen.insert($0).inserted }
    }

    private func pending(_ storageClass: Value) throws -> [Key] {
        let name = storageClass["metadata"]["name"].string
        return try pendingClaims().filter {
            StorageObjects.className(of: $0) == name || (StorageObjects.isDefault(storageClass) && !StorageObjects.hasClass($0))
        }.map(Self.key)
    }

    private func pendingClaims() throws -> [Value] { try objects.list(StorageObjects.claims, fields: "status.phase=Pending") }

    private static func key(_ claim: Value) -> Key { Key(claim, of: StorageObjects.claims.description) }
}
