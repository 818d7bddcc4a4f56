import APIModel
import OrderedCollections

/// A ResourceClaim that a pod uses.
struct PodClaim: Equatable, Sendable {
    /// As the pod's containers call it; empty for the one that stands for extended resources.
    var name: String
    /// The ResourceClaim's.
    var claim: String
    /// It was made for this very pod, whose own it has to be.
    var isOwned = false

    static let objects = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaims")

    /// Those of a pod. A claim that a template needs not have made is none. Throws when one is still to be made.
    static func all(of pod: Pod) throws(ConfigurationError) -> [PodClaim] {
        var claims: [PodClaim] = []
        for claim in pod.spec["resourceClaims"].elements {
            switch PodResourceClaims.find(claim, of: pod.value) {
            case .named(let name): claims.append(PodClaim(name: claim.name, claim: name))
            case .made(let name): claims.append(PodClaim(name: claim.name, claim: name, isOwned: true))
            case .skipped: break
            case .missing:
                throw ConfigurationError(message: "pod \"\(pod.namespace)/\(pod.name)\": ResourceClaim not created yet")
            case .unknown:
                throw ConfigurationError(
                    message:
                        "pod \"\(pod.namespace)/\(pod.name)\", spec.resourceClaim \(FieldError.quoted(claim.name)): none of the supported fields are set"
                )
            }
        }
        if let name = PodResourceClaims.extended(of: pod.value) { claims.append(PodClaim(name: "", claim: name)) }
        return claims
    }

    /// The requests of this claim that a container gets, each as often as it names it; an empty one is all of them.
    func requests(of container: Value, in pod: Pod) -> [String] {
        if !name.isEmpty {
            return container[path: "resources", "claims"].elements.filter { $0.name == name }.map { $0["request"].string ?? "" }
        }
        let amounts = container[path: "resources", "requests"].fields.filter { !($0.value.quantity?.isZero ?? true) }
        return pod.status[path: "extendedResourceClaimStatus", "requestMappings"].elements.compactMap { mapping in
            guard mapping["containerName"].string == container.name, amounts[mapping["resourceName"].string ?? ""] != nil else {
                return nil
            }
            return mapping["requestName"].string
        }
    }
}
