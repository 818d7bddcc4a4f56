extension TypeRules {
    static let node: [String: Rule] = [
        "core.v1.NodeSpec": { spec, path, errors in
            let networks = spec["podCIDRs"].elements.compactMap { $0.string.flatMap { IPNetwork($0) } }
            // What is no network has its own complaint.
            guard networks.count > 1, networks.count == spec["podCIDRs"].elements.count, DualStack(networks) == nil else { return }
            errors.append(.invalid(path.child("podCIDRs"), spec["podCIDRs"], "may specify no more than one CIDR for each IP family"))
        }
    ]
}
