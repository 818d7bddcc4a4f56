internal import APIModel

/// The ResourceClaims, ResourceSlices and DeviceClasses there are, which devices are whose, and which Pods wait for which claims. Used by
/// the scheduling thread only.
///
/// A device that a claim is to get is the claim's at once: by the time that the API says so, nobody else has found it.
final class DeviceObjects {
    static let claimResource = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaims")
    static let sliceResource = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceslices")
    static let classResource = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "deviceclasses")
    static let resources = [classResource, sliceResource, claimResource]

    private struct Assumption {
        let allocation: Value
        /// The uid of the Pod for whose sake.
        let pod: String
    }

    private(set) var claims: [PodKey: Object] = [:]
    private(set) var classes: [String: Object] = [:]
    /// By extended resource, the classes that say that they offer it.
    private var offers: [String: Set<String>] = [:]
    /// By uid of a Pod, the claim that was made for what it asks for by name.
    private var made: [String: PodKey] = [:]
    private(set) var inUse = DevicesInUse()
    private var assumptions: [PodKey: Assumption] = [:]
    /// By uid of a Pod, the claims that get devices for its sake.
    private var assumed: [String: [PodKey]] = [:]
    /// By claim, the Pods without a Node that name it.
    private var users: [PodKey: Set<PodKey>] = [:]
    private var followed: [PodKey: [PodKey]] = [:]
    /// Of those Pods, the ones whose claims are not all there.
    private var unready: [PodKey: PodInfo] = [:]
    private var slices = DeviceSlices()
    let selectors = DeviceSelectors()

    /// What a change may mean.
    enum Change: Equatable {
        case nothing
        /// Pods that found no devices may find some.
        case devices
        /// Nodes may have another resource, as devices.
        case resources
        /// The claim is not what it was; `freed`: and its devices may be another's.
        case claim(PodKey, freed: Bool)
    }

    /// Takes an object of one of `resources` over; `nil` for one that went.
    func put(_ resource: GroupVersionResource, before: Object?, after: Object?) -> Change {
        guard let object = after ?? before else { return .nothing }
        switch resource {
        case Self.classResource: return put(class: object.name, after)
        case Self.sliceResource:
            slices.put(object.name, after.map(DeviceSlice.init))
            return after == nil ? .nothing : .devices
        default: return put(claim: PodKey(object), after)
        }
    }

    private func put(claim key: PodKey, _ after: Object?) -> Change {
        let before = claims[key]
        // What this scheduler wrote is here before the API tells of it, and of what was before.
        if let before, let after, before.uid == after.uid, before.number > after.number { return .nothing }
        claims[key] = after
        if let claim = after ?? before, claim.isOfExtendedResources { noteMade(key, claim, isThere: after != nil) }
        let (old, new) = (before?.allocation, after?.allocation)
        if old != new {
            if let old { inUse.remove(old) }
            if new != nil || before?.uid != after?.uid { drop(key) }
            if let new { inUse.add(new) }
        } else if after == nil {
            drop(key)
        }
        let isSame =
            before?.uid == after?.uid && before?.value["status"] == after?.value["status"]
            && before?.isBeingDeleted == after?.isBeingDeleted
            && before?.controllerReference == after?.controllerReference
        // Whose it was may have another made.
        if after == nil, before?.isOfExtendedResources == true { return .devices }
        return isSame ? .nothing : .claim(key, freed: old != nil && new == nil)
    }

    /// What was assumed for the sake of its Pod is said by the claim itself now.
    private func noteMade(_ key: PodKey, _ claim: Object, isThere: Bool) {
        guard let uid = claim.controllerReference["uid"].string else { return }
        if isThere { made[uid] = key } else if made[uid] == key { made[uid] = nil }
        if isThere, claim.allocation != nil { drop(ExtendedResources.place(key.namespace, uid: uid)) }
    }

    /// The claim that was made for what the Pod with this uid asks for by name.
    func made(for uid: String) -> Object? { made[uid].flatMap { claims[$0] } }

    /// The class whose devices are what a resource of this name is; of several the newest, and of those the first by name.
    func className(offering resource: String) -> String? {
        if resource.hasPrefix(ExtendedResources.classPrefix) {
            let name = String(resource.dropFirst(ExtendedResources.classPrefix.count))
            return classes[name].map(\.name)
        }
        guard !offers.isEmpty, ResourceNames.isExtended(resource) else { return nil }
        return offers[resource]?.compactMap { classes[$0] }.min { left, right in
            let times = [left, right].map { $0.metadata["creationTimestamp"].string ?? "" }
            return times[0] == times[1] ? left.name < right.name : times[0] > times[1]
        }?.name
    }

    private func put(class name: String, _ after: Object?) -> Change {
        let old = classes[name]?.value["spec"]["extendedResourceName"].string
        let new = after?.value["spec"]["extendedResourceName"].string
        let isNew = classes[name] == nil
        classes[name] = after
        if let old { offers[old]?.remove(name) }
        if let old, offers[old]?.isEmpty == true { offers[old] = nil }
        if let new { offers[new, default: []].insert(name) }
        if after == nil { return .nothing }
        return new != old || isNew ? .resources : .devices
    }

    /// Takes over what this scheduler wrote, unless the claim is gone.
    func putWritten(_ claim: Object) -> Change {
        guard claims[PodKey(claim)]?.uid == claim.uid else { return .nothing }
        return put(claim: PodKey(claim), claim)
    }

    // MARK: What there is on a Node

    /// The pools of devices that a Node reaches.
    func pools(for node: VolumeMatch.Place) -> [DevicePool] { slices.pools(for: node) }
    func forget(node: String) { slices.forget(node: node) }

    // MARK: What is about to be

    /// Whether another Pod's binding gives the claim its devices.
    func isAssumed(_ claim: PodKey) -> Bool { assumptions[claim] != nil }

    /// The claim gets these devices, until the API says so or they are given back.
    func assume(_ allocation: Value, for claim: PodKey, pod: String) {
        drop(claim)
        assumptions[claim] = Assumption(allocation: allocation, pod: pod)
        assumed[pod, default: []].append(claim)
        inUse.add(allocation)
    }

    /// What claims were to get for the sake of a Pod may be others'. Returns whether there was anything.
    func giveBack(pod: String) -> Bool {
        guard let claims = assumed[pod] else { return false }
        for claim in claims { drop(claim) }
        return true
    }

    private func drop(_ claim: PodKey) {
        guard let assumption = assumptions.removeValue(forKey: claim) else { return }
        inUse.remove(assumption.allocation)
        assumed[assumption.pod]?.removeAll { $0 == claim }
        if assumed[assumption.pod]?.isEmpty == true { assumed[assumption.pod] = nil }
    }

    // MARK: Who waits

    /// The Pod waits for a Node. Returns whether its claims are there; if not, `review` tells when.
    func follow(_ pod: PodInfo) -> Bool {
        if followed.isEmpty, pod.deviceClaims.isEmpty { return true }
        unfollow(pod.key)
        guard !pod.deviceClaims.isEmpty else { return true }
        let keys = pod.deviceClaimKeys
        followed[pod.key] = keys
        for key in keys { users[key, default: []].insert(pod.key) }
        guard problem(pod) != nil else { return true }
        unready[pod.key] = pod
        return false
    }

    func unfollow(_ pod: PodKey) {
        guard let keys = followed.removeValue(forKey: pod) else { return }
        unready[pod] = nil
        for key in keys {
            users[key]?.remove(pod)
            if users[key]?.isEmpty == true { users[key] = nil }
        }
    }

    /// The Pods that a change of a claim is about: those whose claims are all there now, and those whose claims were.
    func review(_ claim: PodKey) -> (ready: [PodInfo], others: [PodKey]) {
        var (ready, others): ([PodInfo], [PodKey]) = ([], [])
        for pod in users[claim] ?? [] {
            guard let info = unready[pod] else {
                others.append(pod)
                continue
            }
            guard problem(info) == nil else { continue }
            unready[pod] = nil
            ready.append(info)
        }
        return (ready, others)
    }

    /// Why no Node is looked for, in upstream's words; `nil` where all claims are there.
    func problem(_ pod: PodInfo) -> String? {
        for reference in pod.deviceClaims {
            switch reference {
            case .missing: return "pod \"\(pod.key)\": ResourceClaim not created yet"
            case .unknown(let entry):
                return "pod \"\(pod.key)\", spec.resourceClaim \"\(entry)\": none of the supported fields are set"
            case .claim(let key, let isOwn):
                guard let claim = claims[key] else { return "could not find ResourceClaim \"\(key)\"" }
                if claim.isBeingDeleted { return "resourceclaim \"\(key.name)\" is being deleted" }
                if isOwn, claim.controllerReference["uid"].string != pod.uid {
                    return "ResourceClaim \(key) was not created for Pod \(pod.key) (Pod is not owner)"
                }
            }
        }
        return nil
    }
}

extension Object {
    /// Of a claim, which devices it has; `nil` for one without.
    var allocation: Value? { value["status"]["allocation"].isNull ? nil : value["status"]["allocation"] }

    /// Whether a claim is reserved for the Pod with this uid.
    func isReserved(for uid: String) -> Bool { value["status"]["reservedFor"].elements.contains { $0["uid"].string == uid } }

    /// By which states of an object are told apart in time; zero where the API does not number them.
    fileprivate var number: UInt64 { UInt64(resourceVersion) ?? 0 }
}
