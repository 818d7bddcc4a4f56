public import APIModel

/// The ResourceClaims of a Pod: those it names, and those that are made for it of templates.
public enum PodResourceClaims {
    /// What a Pod's entry leads to.
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

    public static func find(_ claim: Value, of pod: Value) -> Found {
        if let name = claim["resourceClaimName"].string { return .named(name) }
        guard let template = claim["resourceClaimTemplateName"].string else { return .unknown }
        guard let status = pod["status"]["resourceClaimStatuses"].elements.first(where: { $0["name"] == claim["name"] }) else {
            return .missing(template: template)
        }
        return status["resourceClaimName"].string.map(Found.made) ?? .skipped
    }

    /// The names of those there are, the one that the scheduler made for extended resources included.
    public static func names(of pod: Value) -> [String] {
        let entries = pod["spec"]["resourceClaims"].elements.compactMap { claim -> String? in
            switch find(claim, of: pod) {
            case .named(let name), .made(let name): name
            case .skipped, .missing, .unknown: nil
            }
        }
        return entries + [pod["status"]["extendedResourceClaimStatus"]["resourceClaimName"].string].compactMap { $0 }
    }

    /// Whether nothing of the Pod runs, nor ever will.
    public static func isDone(_ pod: Value) -> Bool {
        PodState.isTerminal(pod) || !pod["metadata"]["deletionTimestamp"].isNull && pod["spec"]["nodeName"].isEmpty
    }
}
