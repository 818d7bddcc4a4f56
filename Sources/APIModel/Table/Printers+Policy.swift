internal import OrderedCollections

extension Printers {
    static let policy: [String: Printer] = [
        "policy/PodDisruptionBudget": { object, _ in
            [
                "Min Available": intOrString(object["spec"]["minAvailable"], or: "N/A"),
                "Max Unavailable": intOrString(object["spec"]["maxUnavailable"], or: "N/A"),
                "Allowed Disruptions": count(object["status"]["disruptionsAllowed"]),
            ]
        },
        "rbac.authorization.k8s.io/RoleBinding": binding, "rbac.authorization.k8s.io/ClusterRoleBinding": binding,
        "scheduling.k8s.io/PriorityClass": { object, _ in
            [
                "Value": count(object["value"]), "Global-Default": boolean(object["globalDefault"]),
                "PreemptionPolicy": text(object["preemptionPolicy"]),
            ]
        },
        "node.k8s.io/RuntimeClass": { object, _ in ["Handler": text(object["handler"])] },
        "admissionregistration.k8s.io/MutatingWebhookConfiguration": webhooks,
        "admissionregistration.k8s.io/ValidatingWebhookConfiguration": webhooks,
        "admissionregistration.k8s.io/ValidatingAdmissionPolicy": { object, _ in
            ["Validations": .int(Int64(object["spec"]["validations"].elements.count)), "ParamKind": paramKind(object)]
        },
        "admissionregistration.k8s.io/MutatingAdmissionPolicy": { object, _ in
            ["Mutations": .int(Int64(object["spec"]["mutations"].elements.count)), "ParamKind": paramKind(object)]
        },
        "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": policyBinding,
        "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding": policyBinding,
        "flowcontrol.apiserver.k8s.io/FlowSchema": { object, _ in
            let dangling = condition(object, "Dangling")["status"].string
            return [
                "PriorityLevel": text(object["spec"]["priorityLevelConfiguration"]["name"]),
                "MatchingPrecedence": count(object["spec"]["matchingPrecedence"]),
                "DistinguisherMethod": text(object["spec"]["distinguisherMethod"]["type"], or: none), "MissingPL": .string(dangling ?? "?"),
            ]
        },
        "flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration": { object, _ in
            let spec = object["spec"]
            let limited = spec["limited"]
            let queuing = limited["limitResponse"]["queuing"]
            func number(_ value: Whole?) -> Value { value.map(Value.int) ?? .string(none) }
            return [
                "Type": text(spec["type"]), "NominalConcurrencyShares": number(limited["nominalConcurrencyShares"].int),
                "Queues": number(queuing["queues"].int),
                "HandSize": number(queuing["handSize"].int),
                "QueueLengthLimit": number(queuing["queueLengthLimit"].int),
            ]
        },
        "certificates.k8s.io/CertificateSigningRequest": { object, _ in
            let conditions = object["status"]["conditions"].elements.compactMap { $0["type"].string }
            var state = conditions.contains("Denied") ? "Denied" : conditions.contains("Approved") ? "Approved" : "Pending"
            if conditions.contains("Failed") { state += ",Failed" }
            if !object["status"]["certificate"].isEmpty { state += ",Issued" }
            return [
                "SignerName": text(object["spec"]["signerName"], or: none), "Requestor": text(object["spec"]["username"]),
                "RequestedDuration": .string(object["spec"]["expirationSeconds"].int.map { HumanDuration.text(seconds: $0) } ?? none),
                "Condition": .string(state),
            ]
        },
        "certificates.k8s.io/ClusterTrustBundle": { object, _ in ["SignerName": text(object["spec"]["signerName"], or: none)] },
        "certificates.k8s.io/PodCertificateRequest": { object, _ in
            let spec = object["spec"]
            let states = object["status"]["conditions"].elements.compactMap { $0["type"].string }
            return [
                "PodName": text(spec["podName"]), "ServiceAccountName": text(spec["serviceAccountName"]),
                "NodeName": text(spec["nodeName"]),
                "SignerName": text(spec["signerName"]),
                "State": .string(states.first ?? "Pending"), "UnverifiedUserAnnotations": labels(spec["unverifiedUserAnnotations"]),
            ]
        },
    ]

    private static let webhooks: Printer = { object, _ in ["Webhooks": .int(Int64(object["webhooks"].elements.count))] }

    private static let binding: Printer = { object, _ in
        var names: [String: [String]] = [:]
        for subject in object["subjects"].elements {
            let name = subject["name"].string ?? ""
            let kind = subject["kind"].string ?? ""
            names[kind, default: []].append(kind == "ServiceAccount" ? "\(subject["namespace"].string ?? "")/\(name)" : name)
        }
        func list(_ kind: String) -> Value { .string((names[kind] ?? []).joined(separator: ", ")) }
        return [
            "Role": .string("\(object["roleRef"]["kind"].string ?? "")/\(object["roleRef"]["name"].string ?? "")"), "Users": list("User"),
            "Groups": list("Group"),
            "ServiceAccounts": list("ServiceAccount"),
        ]
    }

    private static let policyBinding: Printer = { object, _ in
        let reference = object["spec"]["paramRef"]
        let namespace = reference["namespace"].string ?? ""
        let name = reference["name"].string ?? "*"
        return [
            "PolicyName": text(object["spec"]["policyName"]),
            "ParamRef": .string(reference.isNull ? unset : namespace.isEmpty ? name : "\(namespace)/\(name)"),
        ]
    }

    private static func paramKind(_ object: Value) -> Value {
        let kind = object["spec"]["paramKind"]
        return .string(kind.isNull ? unset : "\(kind["apiVersion"].string ?? "")/\(kind["kind"].string ?? "")")
    }
}
