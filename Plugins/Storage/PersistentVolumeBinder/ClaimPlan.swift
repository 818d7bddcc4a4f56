internal import APIModel
internal import PluginKit

/// What should become of a claim, given what there is. No clock, no API. Rules: upstream's `syncClaim`.
enum ClaimPlan {
    enum Step: Equatable {
        case bind(Value)
        /// It stays pending.
        case wait(Notice?)
        /// What it was bound to is gone, for good.
        case lose(Notice)
        /// It names no class, and this one is for such claims.
        case take(storageClass: String)
        /// The Pod that uses it is on that Node already.
        case select(node: String)
        /// Who serves its class is to make a volume.
        case provision(by: String)
        /// It says who cannot provide a volume, and is left as it is.
        case refuse(Notice)
        /// As `wait`, and something is wrong that may mend itself.
        case fail(Notice, String)
    }

    /// An Event on the claim.
    struct Notice: Equatable {
        var isWarning = false
        var reason: String
        var message: String

        static func warning(_ reason: String, _ message: String) -> Notice { Notice(isWarning: true, reason: reason, message: message) }
    }

    static func isBindCompleted(_ claim: Value) -> Bool { !claim["metadata"]["annotations"][StorageAnnotation.bindCompleted].isNull }

    /// Of a claim that was bound before.
    /// - Parameter volume: the one that it names, `nil` where that is gone.
    static func bound(_ claim: Value, _ volume: Value?) -> Step {
        guard !claim["spec"]["volumeName"].isEmpty else {
            return .lose(.warning("ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"))
        }
        guard let volume else {
            return .lose(.warning("ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"))
        }
        let reference = volume["spec"]["claimRef"]
        if reference.isNull || reference["uid"] == claim["metadata"]["uid"] { return .bind(volume) }
        return .lose(.warning("ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"))
    }

    /// Of a claim that names the volume it wants.
    static func named(_ claim: Value, _ volume: Value?) -> Step {
        guard let volume else { return .wait(nil) }
        let name = volume["metadata"]["name"].string ?? ""
        if volume["spec"]["claimRef"].isNull {
            guard let mismatch = mismatch(volume, claim) else { return .bind(volume) }
            return .wait(.warning("VolumeMismatch", "Cannot bind to requested volume \"\(name)\": \(mismatch)"))
        }
        if StorageObjects.isMeant(volume, for: claim) { return .bind(volume) }
        let taken = Notice.warning("FailedBinding", "volume \"\(name)\" already bound to a different claim.")
        guard claim["metadata"]["annotations"][StorageAnnotation.boundByController].isNull else {
            let metadata = claim["metadata"]
            return .fail(
                taken,
                "invalid binding of claim \"\(metadata["namespace"].string ?? "")/\(metadata["name"].string ?? "")\" to volume \"\(name)\"")
        }
        return .wait(taken)
    }

    private static func mismatch(_ volume: Value, _ claim: Value) -> String? {
        if !volume["metadata"]["deletionTimestamp"].isNull {
            return "the volume is marked for deletion \"\(volume["metadata"]["name"].string ?? "")\""
        }
        if StorageObjects.capacity(ofVolume: volume) < StorageObjects.requested(by: claim) { return "requested PV is too small" }
        if StorageObjects.className(of: volume) != StorageObjects.className(of: claim) { return "storageClassName does not match" }
        if StorageObjects.attributesClass(of: volume) != StorageObjects.attributesClass(of: claim) {
            return "volumeAttributesClassName does not match"
        }
        if StorageObjects.mode(of: volume) != StorageObjects.mode(of: claim) { return "incompatible volumeMode" }
        return StorageObjects.hasAccessModes(volume, for: claim) ? nil : "incompatible accessMode"
    }

    /// What there is for a claim that leaves it open which volume it gets.
    struct Choice {
        /// Volumes that are available, and those that are reserved for the claim.
        var volumes: [Value] = []
        /// The class that the claim names, `nil` where there is none of the name.
        var storageClass: Value?
        /// The class for claims that name none.
        var defaultClass: String?
        /// The Pods that use the claim.
        var pods: [Value] = []
        /// The Node of one of them.
        var node: Value?
    }

    static func open(_ claim: Value, _ choice: Choice) -> Step {
        let isDelayed = choice.storageClass.map(StorageObjects.waitsForConsumer) ?? false
        let selected = claim["metadata"]["annotations"][StorageAnnotation.selectedNode].string
        if let volume = match(claim, choice, isDelayed: isDelayed) { return .bind(volume) }
        if !StorageObjects.hasClass(claim), let name = choice.defaultClass { return .take(storageClass: name) }
        if isDelayed, selected == nil {
            if let node = choice.node?["metadata"]["name"].string { return .select(node: node) }
            return .wait(waiting(choice.pods))
        }
        let name = StorageObjects.className(of: claim)
        guard !name.isEmpty else {
            return .wait(
                Notice(reason: "FailedBinding", message: "no persistent volumes available for this claim and no storage class is set"))
        }
        guard let provisioner = choice.storageClass?["provisioner"].string else {
            return .refuse(.warning("ProvisioningFailed", "storageclass.storage.k8s.io \"\(name)\" not found"))
        }
        // Nothing is built in.
        guard !provisioner.hasPrefix("kubernetes.io/") else {
            return .refuse(.warning("ProvisioningFailed", "no volume plugin matched name: \(provisioner)"))
        }
        return .provision(by: provisioner)
    }

    private static func waiting(_ pods: [Value]) -> Notice {
        let names = pods.filter { !PodState.isTerminal($0) && $0["spec"]["nodeName"].isEmpty }.compactMap { $0["metadata"]["name"].string }
        guard let first = names.first else {
            return Notice(reason: "WaitForFirstConsumer", message: "waiting for first consumer to be created before binding")
        }
        let what = names.count > 1 ? "pods \(names.joined(separator: ","))" : "pod \(first)"
        return Notice(reason: "WaitForPodScheduled", message: "waiting for \(what) to be scheduled")
    }

    // MARK: Matching

    /// The volume that is reserved for the claim, or else the smallest that will do, with no more access modes than need be.
    private static func match(_ claim: Value, _ choice: Choice, isDelayed: Bool) -> Value? {
        let selector =
            claim["spec"]["selector"].isNull ? LabelSelector.everything : (try? LabelSelector(claim["spec"]["selector"])) ?? .nothing
        let fitting = choice.volumes.filter { volume in
            StorageObjects.suffices(volume, for: claim) && volume["metadata"]["deletionTimestamp"].isNull
        }
        if let reserved = fitting.first(where: { StorageObjects.isMeant($0, for: claim) }) { return reserved }
        // Of a claim whose volume depends on the Node, the scheduler has to say which it is to be.
        guard !isDelayed || choice.node != nil else { return nil }
        return fitting.filter { volume in
            volume["spec"]["claimRef"].isNull && volume["status"]["phase"].string == "Available" && selector.matches(labelsOf: volume)
                && StorageObjects.className(of: volume) == StorageObjects.className(of: claim)
                && choice.node.map { StorageObjects.isWithinReach(volume, of: $0) } ?? true
        }.min { rank($0) < rank($1) }
    }

    private static func rank(_ volume: Value) -> (Int, Quantity) {
        (volume["spec"]["accessModes"].elements.count, StorageObjects.capacity(ofVolume: volume))
    }
}
