internal import OrderedCollections

extension Printers {
    static let storage: [String: Printer] = [
        "/PersistentVolume": { object, _ in
            let spec = object["spec"]
            let claim = spec["claimRef"]
            return [
                "Capacity": text(spec["capacity"]["storage"]), "Access Modes": .string(modes(spec["accessModes"])),
                "Reclaim Policy": text(spec["persistentVolumeReclaimPolicy"]),
                "Status": phase(object),
                "Claim": .string(claim.isNull ? "" : "\(claim["namespace"].string ?? "")/\(claim["name"].string ?? "")"),
                "StorageClass": storageClass(object), "VolumeAttributesClass": text(spec["volumeAttributesClassName"], or: unset),
                "Reason": text(object["status"]["reason"]), "VolumeMode": text(spec["volumeMode"], or: unset),
            ]
        },
        "/PersistentVolumeClaim": { object, _ in
            let spec = object["spec"]
            let isBound = !spec["volumeName"].isEmpty
            return [
                "Status": phase(object), "Volume": text(spec["volumeName"]),
                "Capacity": isBound ? text(object["status"]["capacity"]["storage"]) : "",
                "Access Modes": .string(isBound ? modes(object["status"]["accessModes"]) : ""), "StorageClass": storageClass(object),
                "VolumeAttributesClass": text(spec["volumeAttributesClassName"], or: unset),
                "VolumeMode": text(spec["volumeMode"], or: unset),
            ]
        },
        "storage.k8s.io/StorageClass": { object, _ in
            let isDefault = StorageObjects.isDefault(object)
            let name = object["metadata"]["name"].string ?? ""
            return [
                "Name": .string(isDefault ? "\(name) (default)" : name), "Provisioner": text(object["provisioner"]),
                "ReclaimPolicy": text(object["reclaimPolicy"], or: "Delete"),
                "VolumeBindingMode": text(object["volumeBindingMode"], or: unset),
                "AllowVolumeExpansion": boolean(object["allowVolumeExpansion"]),
            ]
        },
        "storage.k8s.io/VolumeAttributesClass": { object, _ in ["DriverName": text(object["driverName"])] },
        "storage.k8s.io/VolumeAttachment": { object, _ in
            let spec = object["spec"]
            return [
                "Attacher": text(spec["attacher"]), "PV": text(spec["source"]["persistentVolumeName"]), "Node": text(spec["nodeName"]),
                "Attached": boolean(object["status"]["attached"]),
            ]
        },
        "storage.k8s.io/CSINode": { object, _ in ["Drivers": .int(Int64(object["spec"]["drivers"].elements.count))] },
        "storage.k8s.io/CSIDriver": { object, _ in
            let spec = object["spec"]
            let audiences = spec["tokenRequests"].elements.map { $0["audience"].string ?? "" }
            let lifecycles = spec["volumeLifecycleModes"].elements.compactMap(\.string)
            return [
                "AttachRequired": .bool(spec["attachRequired"].bool ?? true), "PodInfoOnMount": boolean(spec["podInfoOnMount"]),
                "StorageCapacity": boolean(spec["storageCapacity"]),
                "TokenRequests": .string(audiences.isEmpty ? unset : audiences.joined(separator: ",")),
                "RequiresRepublish": boolean(spec["requiresRepublish"]),
                "Modes": .string(lifecycles.isEmpty ? "<none>" : lifecycles.joined(separator: ",")),
            ]
        },
        "storage.k8s.io/CSIStorageCapacity": { object, _ in
            ["StorageClassName": text(object["storageClassName"]), "Capacity": text(object["capacity"], or: unset)]
        },
    ]

    private static func phase(_ object: Value) -> Value {
        object["metadata"]["deletionTimestamp"].isNull ? text(object["status"]["phase"]) : "Terminating"
    }

    private static func storageClass(_ object: Value) -> Value {
        let annotated = object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"]
        return text(annotated.isNull ? object["spec"]["storageClassName"] : annotated)
    }

    private static func modes(_ modes: Value) -> String {
        let names = Set(modes.elements.compactMap(\.string))
        return [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")].filter {
            names.contains($0.0)
        }.map(\.1).joined(
            separator: ",")
    }
}
