extension TypeRules {
    /// What NetworkPolicies let through.
    static let networkPolicy: [String: Rule] = [
        "networking.v1.NetworkPolicySpec": { spec, path, errors in
            if spec["policyTypes"].elements.count > 2 {
                errors.append(.invalid(path.child("policyTypes"), spec["policyTypes"], "may not specify more than two policyTypes"))
            }
        },
        "networking.v1.NetworkPolicyPort": { port, path, errors in
            guard let end = port["endPort"].int else { return }
            let (field, value) = (path.child("endPort"), port["endPort"])
            if port["port"].isNull {
                errors.append(.invalid(field, value, "may not be specified when `port` is not specified"))
            } else if let first = port["port"].int {
                if end < first { errors.append(.invalid(field, port["port"], "must be greater than or equal to `port`")) }
                Constraint.add(Names.port(end), value, field, &errors)
            } else {
                errors.append(.invalid(field, value, "may not be specified when `port` is non-numeric"))
            }
        },
        "networking.v1.NetworkPolicyPeer": { peer, path, errors in
            let selects = !peer["podSelector"].isNull || !peer["namespaceSelector"].isNull
            switch (peer["ipBlock"].isNull, selects) {
            case (true, false): errors.append(.required(path, "must specify a peer"))
            case (false, true): errors.append(.forbidden(path, "may not specify both ipBlock and another peer"))
            default: break
            }
        },
        "networking.v1.IPBlock": { block, path, errors in
            let text = block["cidr"].string ?? ""
            if text.isEmpty {
                errors.append(.required(path.child("cidr")))
                return
            }
            Constraint.add(Names.cidr(text), .string(text), path.child("cidr"), &errors)
            for (index, value) in block["except"].elements.enumerated() {
                let (field, except) = (path.child("except").index(index), value.string ?? "")
                let problems = Names.cidr(except)
                Constraint.add(problems, value, field, &errors)
                guard problems.isEmpty, let whole = IPNetwork(text), let part = IPNetwork(except) else { continue }
                if !whole.contains(part) || whole == part { errors.append(.invalid(field, value, "must be a strict subset of `cidr`")) }
            }
        },
    ]
}
