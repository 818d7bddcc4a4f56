internal import OrderedCollections

extension Printers {
    static let others: [String: Printer] = [
        "apiregistration.k8s.io/APIService": { object, _ in
            let service = object["spec"]["service"]
            let available = condition(object, "Available")
            var state = available["status"].string ?? "Unknown"
            if state != "True", let reason = available["reason"].string { state += " (\(reason))" }
            return [
                "Service": .string(service.isNull ? "Local" : "\(service["namespace"].string ?? "")/\(service["name"].string ?? "")"),
                "Available": .string(state),
            ]
        },
        "internal.apiserver.k8s.io/StorageVersion": { object, _ in
            let versions = object["status"]["storageVersions"].elements.map {
                "\($0["apiServerID"].string ?? "")=\($0["encodingVersion"].string ?? "")"
            }
            return [
                "CommonEncodingVersion": text(object["status"]["commonEncodingVersion"], or: unset),
                "StorageVersions": .string(firstThree(versions, ifEmpty: unset)),
            ]
        },
        "resource.k8s.io/ResourceClaim": { object, _ in
            var states: [String] = []
            let isDeleted = !object["metadata"]["deletionTimestamp"].isNull
            if isDeleted { states.append("deleted") }
            if object["status"]["allocation"].isNull {
                if !isDeleted { states.append("pending") }
            } else {
                states.append("allocated")
                if !object["status"]["reservedFor"].isEmpty { states.append("reserved") }
            }
            return ["State": .string(states.joined(separator: ","))]
        },
        "resource.k8s.io/ResourceSlice": { object, _ in
            let spec = object["spec"]
            let node =
                spec["nodeName"].string ?? (spec["allNodes"].bool == true ? "<all>" : spec["nodeSelector"].isNull ? unset : "<selector>")
            return ["Node": .string(node), "Driver": text(spec["driver"]), "Pool": text(spec["pool"]["name"])]
        },
        "resource.k8s.io/DeviceTaintRule": { object, context in
            let taint = object["spec"]["taint"]
            return [
                "Key": text(taint["key"]), "Value": text(taint["value"]), "Effect": text(taint["effect"]),
                "TimeAdded": .string(taint["timeAdded"].isNull ? "" : context.since(taint["timeAdded"])),
            ]
        },
        "resource.k8s.io/ResourcePoolStatusRequest": { object, _ in
            let pools = object["status"]["pools"].elements
            func sum(_ field: String) -> Value { .string(String(pools.reduce(Whole.zero) { $0 + ($1[field].int ?? 0) })) }
            return [
                "Driver": text(object["spec"]["driver"]), "Total": sum("totalDevices"), "Available": sum("availableDevices"),
                "Allocated": sum("allocatedDevices"),
                "Unavailable": sum("unavailableDevices"), "Errors": .string(String(pools.filter { !$0["validationError"].isEmpty }.count)),
                "Pools": .int(Int64(pools.count)),
                "Status": .string(
                    object["status"]["conditions"].elements.first { $0["status"].string == "True" }?["type"].string ?? "Pending"),
                "Completed": .string(condition(object, "Complete")["lastTransitionTime"].string ?? ""),
            ]
        },
        "storagemigration.k8s.io/StorageVersionMigration": { object, _ in
            let resource = object["spec"]["resource"]
            let name = resource["resource"].string ?? ""
            let group = resource["group"].string ?? ""
            let state = ["Succeeded", "Failed", "Running"].first { condition(object, $0)["status"].string == "True" } ?? "Pending"
            return ["Resource": .string(group.isEmpty ? name : "\(name).\(group)"), "Status": .string(state)]
        },
        "scheduling.k8s.io/PodGroup": { object, _ in
            let reference = object["spec"]["podGroupTemplateRef"]["workload"]
            return [
                "Policy": .string(object["spec"]["schedulingPolicy"].fields.keys.first ?? none),
                "Workload": text(reference["workloadName"], or: none),
                "Status": .string(
                    object["status"]["conditions"].elements.first { $0["status"].string == "True" }?["type"].string ?? unknown),
            ]
        },
    ]
}
