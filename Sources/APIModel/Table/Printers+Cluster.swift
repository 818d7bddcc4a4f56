internal import OrderedCollections

extension Printers {
    static let cluster: [String: Printer] = [
        "/Node": { object, _ in
            let info = object["status"]["nodeInfo"]
            func address(_ type: String) -> Value {
                text(object["status"]["addresses"].elements.first { $0["type"].string == type }?["address"] ?? .null, or: none)
            }
            let ready = condition(object, "Ready")
            var status = [ready.isNull ? "Unknown" : ready["status"].string == "True" ? "Ready" : "NotReady"]
            if object["spec"]["unschedulable"].bool == true { status.append("SchedulingDisabled") }
            return [
                "Status": .string(status.joined(separator: ",")), "Roles": .string(roles(object)), "Version": text(info["kubeletVersion"]),
                "Internal-IP": address("InternalIP"),
                "External-IP": address("ExternalIP"), "OS-Image": text(info["osImage"], or: unknown),
                "Kernel-Version": text(info["kernelVersion"], or: unknown),
                "Container-Runtime": text(info["containerRuntimeVersion"], or: unknown),
            ]
        },
        "/Namespace": { object, _ in ["Status": text(object["status"]["phase"])] },
        "/Event": event, "events.k8s.io/Event": event,
        "/Secret": { object, _ in ["Type": text(object["type"]), "Data": .int(Int64(object["data"].fields.count))] },
        "/ConfigMap": { object, _ in ["Data": .int(Int64(object["data"].fields.count + object["binaryData"].fields.count))] },
        "/ComponentStatus": { object, _ in
            guard let healthy = object["conditions"].elements.first(where: { $0["type"].string == "Healthy" }) else {
                return ["Status": "Unknown", "Message": "", "Error": ""]
            }
            let status = healthy["status"].string == "True" ? "Healthy" : healthy["status"].string == "False" ? "Unhealthy" : "Unknown"
            return ["Status": .string(status), "Message": text(healthy["message"]), "Error": text(healthy["error"])]
        },
        "/ResourceQuota": { object, _ in
            var requests: [String] = []
            var limits: [String] = []
            for (name, hard) in object["status"]["hard"].strings.sorted(by: { $0.key < $1.key }) {
                let line = "\(name): \(object["status"]["used"][name].string ?? "0")/\(hard)"
                if name.hasPrefix("limits") { limits.append(line) } else { requests.append(line) }
            }
            return ["Request": .string(requests.joined(separator: ", ")), "Limit": .string(limits.joined(separator: ", "))]
        },
        "coordination.k8s.io/Lease": { object, _ in ["Holder": text(object["spec"]["holderIdentity"])] },
        "coordination.k8s.io/LeaseCandidate": { object, _ in
            let spec = object["spec"]
            return [
                "LeaseName": text(spec["leaseName"]), "BinaryVersion": text(spec["binaryVersion"]),
                "EmulationVersion": text(spec["emulationVersion"]),
            ]
        },
    ]

    private static func roles(_ node: Value) -> String {
        var roles: Set<String> = []
        for (name, value) in node["metadata"]["labels"].strings {
            if name.hasPrefix("node-role.kubernetes.io/") {
                let role = name.dropFirst("node-role.kubernetes.io/".count)
                if !role.isEmpty { roles.insert(String(role)) }
            } else if name == "kubernetes.io/role", !value.isEmpty {
                roles.insert(value)
            }
        }
        return roles.isEmpty ? none : roles.sorted().joined(separator: ",")
    }

    /// Of either group: `events.k8s.io` has the older fields under other names.
    private static let event: Printer = { object, context in
        func pick(_ names: String...) -> Value { names.lazy.map { object[$0] }.first { !$0.isEmpty } ?? .null }
        let about = pick("involvedObject", "regarding")
        let source = pick("source", "deprecatedSource")
        let first = context.since(pick("firstTimestamp", "deprecatedFirstTimestamp", "eventTime"))
        let lastSeen = pick("lastTimestamp", "deprecatedLastTimestamp")
        var last = lastSeen.isNull ? first : context.since(lastSeen)
        var count = pick("count", "deprecatedCount").int ?? 0
        let series = object["series"]
        if !series.isNull {
            last = context.since(series["lastObservedTime"])
            count = series["count"].int ?? 0
        } else if count == 0 {
            count = 1
        }
        let kind = (about["kind"].string ?? "").lowercased()
        let name = about["name"].string ?? ""
        let component = source["component"].string ?? pick("reportingComponent", "reportingController").string ?? ""
        let instance = source["host"].string ?? object["reportingInstance"].string ?? ""
        return [
            "Last Seen": .string(last), "Type": text(object["type"]), "Reason": text(object["reason"]),
            "Object": .string(name.isEmpty ? kind : "\(kind)/\(name)"),
            "Subobject": text(about["fieldPath"]), "Source": .string([component, instance].filter { !$0.isEmpty }.joined(separator: ", ")),
            "Message": .string((pick("message", "note").string ?? "").trimmed), "First Seen": .string(first), "Count": .int(count),
        ]
    }
}
