/// PersistentVolumeClaims: how many there are and what they ask for, in all and of each storage class.
struct ClaimQuota: QuotaEvaluator {
    private static let count = "count/persistentvolumeclaims"
    private static let number = "persistentvolumeclaims"
    private static let storage = "requests.storage"
    private static let ofClass = ".storageclass.storage.k8s.io/"

    func counts(_ resource: String) -> Bool {
        [Self.count, Self.number, Self.storage].contains(resource) || resource.hasSuffix(Self.ofClass + Self.number)
            || resource.hasSuffix(Self.ofClass + Self.storage)
    }

    func usage(of claim: Value, now: Whole) -> ResourceList {
        var usage = ResourceList([Self.count: .one, Self.number: .one])
        if let asked = Quantity(of: claim["spec"]["resources"]["requests"]["storage"]) {
            // An expansion under way holds what was given for it.
            let given = Quantity(of: claim["status"]["allocatedResources"]["storage"]) ?? .zero
            usage[Self.storage] = max(asked, given).roundedUp
        }
        let name = StorageObjects.className(of: claim)
        if !name.isEmpty {
            usage[name + Self.ofClass + Self.number] = .one
            usage[name + Self.ofClass + Self.storage] = usage[Self.storage]
        }
        return usage
    }

    func mayUseMore(_ claim: Value, than old: Value, subresource: String) -> Bool {
        subresource.isEmpty || (subresource == "status" && mayUseLess(claim, than: old, now: 0))
    }

    func mayUseLess(_ claim: Value, than old: Value, now: Whole) -> Bool {
        claim["spec"]["resources"] != old["spec"]["resources"] || attributesClasses(claim) != attributesClasses(old)
            || claim["status"]["allocatedResources"] != old["status"]["allocatedResources"]
    }

    func matches(_ scope: QuotaScope, _ claim: Value) -> Bool {
        scope.name == "VolumeAttributesClass" && scope.accepts(attributesClasses(claim).sorted())
    }

    private func attributesClasses(_ claim: Value) -> Set<String> {
        let status = claim["status"]
        let named = [
            claim["spec"]["volumeAttributesClassName"], status["currentVolumeAttributesClassName"],
            status["modifyVolumeStatus"]["targetVolumeAttributesClassName"],
        ]
        return Set(named.compactMap(\.string).filter { !$0.isEmpty })
    }
}

extension Quantity {
    /// In whole units, away from zero.
    var roundedUp: Quantity { isWhole ? self : Quantity(value: value.int64, format: format) }
}
