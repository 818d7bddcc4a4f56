internal import APIModel
internal import OrderedCollections
internal import PluginKit

/// Who owns the claims of a StatefulSet's Pod, so that they go with the set or with a Pod that is scaled away, as
/// `persistentVolumeClaimRetentionPolicy` says.
struct ClaimRetention {
    let statefulSet: Value
    /// Without a uid when it is yet to be made.
    let pod: Value
    let isScaledDown: Bool

    private func deletes(_ when: String) -> Bool { statefulSet["spec"]["persistentVolumeClaimRetentionPolicy"][when].string == "Delete" }
    private var keepsAll: Bool { !deletes("whenDeleted") && !deletes("whenScaled") }

    /// The owner that the policy wants.
    private var wanted: Value? {
        if deletes("whenScaled"), isScaledDown { return OwnerReference.controller(pod) }
        return deletes("whenDeleted") ? OwnerReference.controller(statefulSet) : nil
    }

    private static func names(_ reference: Value, _ owner: Value) -> Bool {
        reference["apiVersion"] == owner["apiVersion"] && reference["kind"] == owner["kind"]
            && reference["name"] == owner["metadata"]["name"]
    }

    private func isOurs(_ reference: Value) -> Bool { Self.names(reference, statefulSet) || Self.names(reference, pod) }

    /// A claim of an earlier Pod or set of the same name: the garbage collector is about to delete it.
    static func isStale(_ claim: Value, _ owner: Value) -> Bool {
        claim["metadata"]["ownerReferences"].elements.contains { names($0, owner) && $0["uid"] != owner["metadata"]["uid"] }
    }

    /// Whether another controller has the claim: then the policy says nothing about it.
    func isInForeignHands(_ claim: Value) -> Bool {
        !keepsAll && claim["metadata"]["ownerReferences"].elements.contains { $0["controller"].bool == true && !isOurs($0) }
    }

    /// The owner references that the claim should have, `nil` where they are as they should be.
    func owners(of claim: Value) -> Value? {
        guard !Self.isStale(claim, statefulSet), !Self.isStale(claim, pod) else { return nil }
        let references = claim["metadata"]["ownerReferences"].elements
        let ours = references.filter(isOurs)
        let wanted = isInForeignHands(claim) ? nil : wanted
        let isAsWanted =
            ours.count == (wanted == nil ? 0 : 1) && ours.allSatisfy { $0["uid"] == wanted?["uid"] && $0["controller"].bool == true }
        if isAsWanted { return nil }
        return .array(references.filter { !isOurs($0) } + [wanted].compactMap { $0 })
    }
}
