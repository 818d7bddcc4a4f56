internal import OrderedCollections

extension TypeRules {
    static let volume: [String: Rule] = [
        "core.v1.Volume": { volume, path, errors in
            let sources = volume.fields.keys.filter { $0 != "name" }
            if sources.isEmpty { errors.append(.required(path, "must specify a volume type")) }
            for extra in sources.dropFirst() { errors.append(.forbidden(path.child(extra), "may not specify more than 1 volume type")) }
        },
        "core.v1.SecretVolumeSource": { source, path, errors in
            if source["secretName"].isEmpty { errors.append(.required(path.child("secretName"))) }
        },
        "core.v1.ConfigMapVolumeSource": { source, path, errors in
            if source["name"].isEmpty { errors.append(.required(path.child("name"))) }
        },
        "core.v1.HostPathVolumeSource": { source, path, errors in
            if let text = source["path"].string, text.split(separator: "/").contains("..") {
                errors.append(.invalid(path.child("path"), .string(text), "must not contain '..'"))
            }
            let types = ["", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"]
            if let type = source["type"].string, !types.contains(type) {
                errors.append(.notSupported(path.child("type"), .string(type), types.sorted()))
            }
        },
        "core.v1.EmptyDirVolumeSource": { source, path, errors in
            if let text = source["sizeLimit"].string, let limit = try? Quantity(text), limit.signum < 0 {
                errors.append(.forbidden(path.child("sizeLimit"), "SizeLimit field must be a valid resource quantity"))
            }
        },
        "core.v1.VolumeProjection": { projection, path, errors in
            let sources = projection.fields.keys
            if sources.isEmpty { errors.append(.required(path, "must specify a volume projection")) }
            for extra in sources.dropFirst() { errors.append(.forbidden(path.child(extra), "may not specify more than 1 volume type")) }
        },
        "core.v1.SecretProjection": { source, path, errors in if source["name"].isEmpty { errors.append(.required(path.child("name"))) } },
        "core.v1.ConfigMapProjection": { source, path, errors in if source["name"].isEmpty { errors.append(.required(path.child("name"))) }
        },
        "core.v1.DownwardAPIVolumeFile": { file, path, errors in
            if let name = file["fieldRef"]["fieldPath"].string, !isPodField(name, inEnvironment: false) {
                errors.append(
                    .notSupported(
                        path.child("fieldRef", "fieldPath"), .string(name),
                        ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"]))
            }
            if file["fieldRef"].isNull, file["resourceFieldRef"].isNull {
                errors.append(.required(path, "one of fieldRef and resourceFieldRef is required"))
            }
            if !file["fieldRef"].isNull, !file["resourceFieldRef"].isNull {
                errors.append(.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"))
            }
        },
        "core.v1.VolumeMount": { mount, path, errors in
            if !mount["subPath"].isEmpty, !mount["subPathExpr"].isEmpty {
                errors.append(.invalid(path.child("subPathExpr"), mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"))
            }
        },
        "core.v1.PersistentVolumeClaimSpec": { spec, path, errors in
            if spec["accessModes"].elements.isEmpty {
                errors.append(.required(path.child("accessModes"), "at least 1 access mode is required"))
            }
            onePodAlone(spec, path, &errors)
            for field in ["dataSource", "dataSourceRef"] where spec[field]["apiGroup"].isEmpty {
                guard let kind = spec[field]["kind"].string, !kind.isEmpty, kind != "PersistentVolumeClaim" else { continue }
                errors.append(
                    .invalid(
                        path.child(field), .string(kind), "must be 'PersistentVolumeClaim' when referencing the default apiGroup"))
            }
            let storage = spec["resources"]["requests"]["storage"]
            if storage.isNull {
                errors.append(.required(path.child("resources").key("storage")))
            } else if let text = storage.string, let quantity = try? Quantity(text), quantity.signum <= 0 {
                errors.append(.invalid(path.child("resources").key("storage"), storage, "must be greater than zero"))
            }
        },
        "core.v1.PersistentVolumeSpec": { spec, path, errors in
            if spec["accessModes"].elements.isEmpty { errors.append(.required(path.child("accessModes"))) }
            onePodAlone(spec, path, &errors)
            if !spec["nodeAffinity"].isNull, spec["nodeAffinity"]["required"].isNull {
                errors.append(.required(path.child("nodeAffinity", "required"), "must specify required node constraints"))
            }
            if let text = spec["capacity"]["storage"].string, let quantity = try? Quantity(text), quantity.signum == 0 {
                errors.append(.invalid(path.child("capacity").key("storage"), .string(text), "must be greater than zero"))
            }
            if spec["capacity"].isEmpty {
                errors.append(.required(path.child("capacity")))
            } else if spec["capacity"].fields.keys.contains(where: { $0 != "storage" }) || spec["capacity"].fields.count != 1 {
                errors.append(.notSupported(path.child("capacity"), spec["capacity"], ["storage"]))
            }
        },
    ]

    /// The mode for one pod goes with no other.
    private static func onePodAlone(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let modes = Set(spec["accessModes"].elements.compactMap(\.string))
        if modes.contains("ReadWriteOncePod"), modes.count > 1 {
            errors.append(.forbidden(path.child("accessModes"), "may not use ReadWriteOncePod with other access modes"))
        }
    }
}
