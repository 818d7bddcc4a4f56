internal import OrderedCollections

/// Rules for types of the API, wherever they stand in an object. Each sees one value of its type and the path to it.
enum TypeRules {
    typealias Rule = @Sendable (Value, FieldPath, inout [FieldError]) -> Void

    static let rules: [String: Rule] = {
        var rules: [String: Rule] = [:]
        for table in [
            pod, container, securityContext, volume, workload, job, cronJob, service, limits, admission, conversion, networkPolicy,
            serviceCIDR, autoscaling, storage, flowControl, general,
        ] {
            for (name, rule) in table { rules[name.hasPrefix("io.") ? name : "io.k8s.api." + name] = rule }
        }
        return rules
    }()

    /// Reports the second and later elements whose `field` was there before.
    static func unique(_ elements: [Value], _ field: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        var seen: Set<String> = []
        for (index, element) in elements.enumerated() {
            guard let name = element[field].string, !name.isEmpty else { continue }
            if !seen.insert(name).inserted { errors.append(.duplicate(path.index(index).child(field), .string(name))) }
        }
    }

    private static let general: [String: Rule] = [
        "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector": labelSelector,
        "rbac.v1.PolicyRule": { rule, path, errors in
            if rule["verbs"].elements.isEmpty { errors.append(.required(path.child("verbs"), "verbs must contain at least one value")) }
            if rule["nonResourceURLs"].elements.isEmpty {
                if rule["apiGroups"].elements.isEmpty {
                    errors.append(.required(path.child("apiGroups"), "resource rules must supply at least one api group"))
                }
                if rule["resources"].elements.isEmpty {
                    errors.append(.required(path.child("resources"), "resource rules must supply at least one resource"))
                }
            } else if !rule["apiGroups"].isEmpty || !rule["resources"].isEmpty || !rule["resourceNames"].isEmpty {
                errors.append(
                    .invalid(
                        path.child("nonResourceURLs"), rule["nonResourceURLs"],
                        "rules cannot apply to both regular resources and non-resource URLs"))
            }
        },
        "rbac.v1.Subject": { subject, path, errors in
            let group = subject["apiGroup"].string ?? ""
            switch subject["kind"].string {
            case "ServiceAccount":
                if let name = subject["name"].string, !name.isEmpty {
                    Constraint.add(Names.dnsSubdomain(name), .string(name), path.child("name"), &errors)
                }
                if !group.isEmpty { errors.append(.notSupported(path.child("apiGroup"), subject["apiGroup"], [""])) }
            case "User", "Group":
                if group != "rbac.authorization.k8s.io" {
                    errors.append(.notSupported(path.child("apiGroup"), subject["apiGroup"], ["rbac.authorization.k8s.io"]))
                }
            case let kind: errors.append(.notSupported(path.child("kind"), .string(kind ?? ""), ["ServiceAccount", "User", "Group"]))
            }
        },
        "certificates.v1.CertificateSigningRequestSpec": { spec, path, errors in
            if spec["usages"].elements.isEmpty { errors.append(.required(path.child("usages"))) }
            var seen: Set<String> = []
            for (index, usage) in spec["usages"].elements.enumerated() {
                let (name, field) = (usage.string ?? "", path.child("usages").index(index))
                if !keyUsages.contains(name) { errors.append(.notSupported(field, usage, keyUsages)) }
                if !seen.insert(name).inserted { errors.append(.duplicate(field, usage)) }
            }
            if let signer = spec["signerName"].string, !signer.isEmpty { signerName(signer, path.child("signerName"), &errors) }
        },
        "networking.v1.IngressSpec": { spec, path, errors in
            if spec["rules"].elements.isEmpty, spec["defaultBackend"].isNull {
                errors.append(.invalid(path, spec["rules"], "either `defaultBackend` or `rules` must be specified"))
            }
        },
        "networking.v1.IngressRule": { rule, path, errors in
            guard let host = rule["host"].string, !host.isEmpty else { return }
            if IPLiteral.isIPv4(host) || IPLiteral.isIPv6(host) {
                errors.append(.invalid(path.child("host"), .string(host), "must be a DNS name, not an IP address"))
            }
            let problems = host.contains("*") ? Names.wildcardSubdomain(host) : Names.dnsSubdomain(host)
            Constraint.add(problems, .string(host), path.child("host"), &errors)
        },
        "networking.v1.HTTPIngressPath": { entry, path, errors in
            let text = entry["path"].string ?? ""
            switch entry["pathType"].string {
            case nil, "": errors.append(.required(path.child("pathType"), "pathType must be specified"))
            case "Exact", "Prefix":
                if !text.hasPrefix("/") { errors.append(.invalid(path.child("path"), .string(text), "must be an absolute path")) }
                for bad in ["//", "/./", "/../", "%2f", "%2F"] where text.contains(bad) {
                    errors.append(.invalid(path.child("path"), .string(text), "must not contain '\(bad)'"))
                }
                for bad in ["/..", "/."] where text.hasSuffix(bad) {
                    errors.append(.invalid(path.child("path"), .string(text), "cannot end with '\(bad)'"))
                }
            default:
                if !text.isEmpty, !text.hasPrefix("/") {
                    errors.append(.invalid(path.child("path"), .string(text), "must be an absolute path"))
                }
            }
        },
        "networking.v1.IngressBackend": { backend, path, errors in
            switch (backend["service"].isNull, backend["resource"].isNull) {
            case (false, false): errors.append(.invalid(path, "", "cannot set both resource and service backends"))
            case (true, true): errors.append(.invalid(path, "", "resource or service backend is required"))
            case (false, true):
                let (port, field) = (backend["service"]["port"], path.child("service", "port"))
                switch (port["name"].isEmpty, port["number"].isEmpty) {
                case (true, true): errors.append(.required(path, "port name or number is required"))
                case (false, false): errors.append(.invalid(path, "", "cannot set both port name & port number"))
                case (false, true): Constraint.add(Names.portName(port["name"].string ?? ""), port["name"], field.child("name"), &errors)
                case (true, false): Constraint.add(Names.port(port["number"].int ?? 0), port["number"], field.child("number"), &errors)
                }
            case (true, false):
                for field in ["kind", "name"] where backend["resource"][field].isEmpty {
                    errors.append(.required(path.child("resource", field)))
                }
            }
        },
        "networking.v1.IngressTLS": { tls, path, errors in
            for (index, value) in tls["hosts"].elements.enumerated() {
                let host = value.string ?? ""
                let problems = host.contains("*") ? Names.wildcardSubdomain(host) : Names.dnsSubdomain(host)
                Constraint.add(problems, value, path.child("hosts").index(index), &errors)
            }
        },
        "networking.v1.IngressClassSpec": { spec, path, errors in
            let (controller, field) = (spec["controller"].string ?? "", path.child("controller"))
            if controller.utf8.count > 250 { errors.append(.tooLong(field, limit: 250)) }
            domainPrefixedPath(controller, field, &errors)
            parameters(spec["parameters"], path.child("parameters"), &errors)
        },
        "rbac.v1.AggregationRule": { rule, path, errors in
            if rule["clusterRoleSelectors"].elements.isEmpty {
                errors.append(
                    .required(
                        path.child("clusterRoleSelectors"), "at least one clusterRoleSelector required if aggregationRule is non-nil"))
            }
            for (index, selector) in rule["clusterRoleSelectors"].elements.enumerated() where !isSelector(selector) {
                errors.append(.invalid(path.child("clusterRoleSelectors").index(index), .null, "invalid label selector."))
            }
        },
        "core.v1.NodeSelector": { selector, path, errors in
            if selector["nodeSelectorTerms"].elements.isEmpty {
                errors.append(.required(path.child("nodeSelectorTerms"), "must have at least one node selector term"))
            }
        },
        "core.v1.NodeSelectorRequirement": { requirement, path, errors in
            let values = requirement["values"].elements
            switch requirement["operator"].string {
            case "In", "NotIn":
                if values.isEmpty { errors.append(.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'")) }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    errors.append(.forbidden(path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
                }
            case "Gt", "Lt":
                if values.count != 1 {
                    errors.append(.required(path.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'"))
                }
            default: errors.append(.invalid(path.child("operator"), requirement["operator"], "not a valid selector operator"))
            }
        },
    ]

    private static let labelSelector: Rule = { selector, path, errors in
        Constraint.labels(selector["matchLabels"], path.child("matchLabels"), &errors)
        for (index, expression) in selector["matchExpressions"].elements.enumerated() {
            let field = path.child("matchExpressions").index(index)
            let values = expression["values"].elements
            switch expression["operator"].string {
            case "In", "NotIn":
                if values.isEmpty {
                    errors.append(.required(field.child("values"), "must be specified when `operator` is 'In' or 'NotIn'"))
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    errors.append(
                        .forbidden(field.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
                }
            default: errors.append(.invalid(field.child("operator"), expression["operator"], "not a valid selector operator"))
            }
            if let key = expression["key"].string {
                Constraint.add(Names.qualifiedName(key), .string(key), field.child("key"), &errors)
            }
            for (index, value) in values.enumerated() {
                if let text = value.string {
                    Constraint.add(Names.labelValue(text), value, field.child("values").index(index), &errors)
                }
            }
        }
    }

    /// Whether a label selector can be asked at all; upstream has a word for those that cannot, beside what is wrong with them.
    static func isSelector(_ selector: Value) -> Bool {
        var errors: [FieldError] = []
        labelSelector(selector, FieldPath(), &errors)
        return errors.isEmpty
    }

    private static let keyUsages = [
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only",
        "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
        "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping",
    ]

    private static func signerName(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if name == "kubernetes.io/legacy-unknown" {
            errors.append(.invalid(path, .string(name), "the legacy signerName is not allowed via this API version"))
            return
        }
        let segments = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard segments.count == 2 else {
            errors.append(
                .invalid(path, .string(name), "must be a fully qualified domain and path of the form 'example.com/signer-name'"))
            return
        }
        let checks = [Names.dnsLabel, Names.dnsSubdomain]
        for (segment, check) in zip(segments, checks) {
            let labels = segment.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            guard let bad = labels.first(where: { !check($0).isEmpty }) else { continue }
            for problem in check(bad) {
                errors.append(.invalid(path, .string(segment), "validating label \(FieldError.quoted(bad)): \(problem)"))
            }
        }
        if !segments[0].contains(".") {
            errors.append(.invalid(path, .string(segments[0]), "should be a domain with at least two segments separated by dots"))
        }
        // A domain, a slash, and room for a label in front of another domain.
        if name.utf8.count > 253 + 1 + 253 + 63 + 1 { errors.append(.tooLong(path, limit: 571)) }
    }

    /// Names of controllers that share a field: `example.com/name`.
    static func domainPrefixedPath(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        errors += Names.domainPrefixedPath(name, at: path)
    }

    private static func parameters(_ parameters: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !parameters.isNull else { return }
        for name in ["kind", "name"] {
            if let text = parameters[name].string { Constraint.add(Names.pathSegment(text), .string(text), path.child(name), &errors) }
        }
        if let group = parameters["apiGroup"].string {
            Constraint.add(Names.dnsSubdomain(group), .string(group), path.child("apiGroup"), &errors)
        }
        let (namespace, field) = (parameters["namespace"], path.child("namespace"))
        switch parameters["scope"].string {
        case "Namespace":
            if let text = namespace.string {
                Constraint.add(Names.dnsLabel(text), namespace, field, &errors)
            } else {
                errors.append(.required(field, "`parameters.scope` is set to 'Namespace'"))
            }
        case "Cluster" where !namespace.isNull: errors.append(.forbidden(field, "`parameters.scope` is set to 'Cluster'"))
        default: break
        }
    }
}
