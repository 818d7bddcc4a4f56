/// The ResourceClaims of a Pod: those it names, and those that are made for it of templates (upstream: `resourceclaim.Name`).
public enum PodResourceClaims {
    /// What an entry of `spec.resourceClaims` leads to.
    public enum Found: Equatable, Sendable {
        case named(String)
        /// The Pod's status names the one that was made for it.
        case made(String)
        /// None was needed.
        case skipped
        /// None has been made yet of the template.
        case missing(template: String)
        /// It is neither: there may be kinds that this version does not know.
        case unknown
    }

    public static func find(_ entry: Value, of pod: Value) -> Found {
        if let name = entry["resourceClaimName"].string { return .named(name) }
        guard let template = entry["resourceClaimTemplateName"].string else { return .unknown }
        guard let status = pod["status"]["resourceClaimStatuses"].elements.first(where: { $0["name"] == entry["name"] }) else {
            return .missing(template: template)
        }
        return status["resourceClaimName"].string.map(Found.made) ?? .skipped
    }

    /// The name of the one that the scheduler made for extended resources.
    public static func extended(of pod: Value) -> String? { pod["status"]["extendedResourceClaimStatus"]["resourceClaimName"].string }

    /// The names of those there are.
    public static func names(of pod: Value) -> [String] {
        let entries = pod["spec"]["resourceClaims"].elements.compactMap { entry -> String? in
            switch find(entry, of: pod) {
            case .named(let name), .made(let name): name
            case .skipped, .missing, .unknown: nil
            }
        }
        return entries + [extended(of: pod)].compactMap { $0 }
    }
}
