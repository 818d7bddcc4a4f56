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
        "core.v1.EphemeralVolumeSource": { source, path, errors in
            if source["volumeClaimTemplate"].isNull { errors.append(.required(path.child("volumeClaimTemplate"))) }
        },
        "core.v1.DownwardAPIVolumeSource": { source, path, errors in
            for file in source["items"].elements { DownwardAPIRules.file(file, path, &errors) }
        },
        "core.v1.DownwardAPIProjection": { source, path, errors in
            for file in source["items"].elements { DownwardAPIRules.file(file, path, &errors) }
        },
        "core.v1.ProjectedVolumeSource": projected,
        "core.v1.VolumeProjection": { projection, path, errors in
            let sources = projection.fields.keys
            if sources.isEmpty { errors.append(.required(path, "must specify a volume projection")) }
            for extra in sources.dropFirst() { errors.append(.forbidden(path.child(extra), "may not specify more than 1 volume type")) }
        },
        "core.v1.SecretProjection": { source, path, errors in if source["name"].isEmpty { errors.append(.required(path.child("name"))) } },
        "core.v1.ConfigMapProjection": { source, path, errors in if source["name"].isEmpty { errors.append(.required(path.child("name"))) }
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
            dataSources(spec, path, &errors)
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
            let (capacity, field) = (spec["capacity"], path.child("capacity"))
            if capacity.isEmpty { errors.append(.required(field)) }
            if capacity["storage"].isNull || capacity.fields.count > 1 {
                // Go writes a map in the order of its keys.
                let sorted = capacity.fields.sorted { $0.key < $1.key }
                errors.append(
                    .notSupported(field, .object(Value.Fields(uniqueKeysWithValues: sorted.map { ($0.key, $0.value) })), ["storage"]))
            }
            for (name, amount) in capacity.fields {
                guard let quantity = amount.quantity, quantity.signum <= 0 else { continue }
                if quantity.signum < 0 {
                    errors.append(.invalid(field.key(name), .int(quantity.value), "must be a valid resource quantity"))
                }
                errors.append(.invalid(field.key(name), amount, "must be greater than zero"))
            }
        },
    ]

    /// Several sources in one folder: no two files under one name. Upstream names the source, not the file, in what it says of tokens.
    private static let projected: Rule = { volume, path, errors in
        var paths: Set<String> = []
        func use(_ file: Value, _ shown: Value) {
            guard let name = file.string, !name.isEmpty else { return }
            if !paths.insert(name).inserted { errors.append(.invalid(path, shown, "conflicting duplicate paths")) }
        }
        for source in volume["sources"].elements {
            for item in source["secret"]["items"].elements { use(item["path"], source["secret"]["name"]) }
            for item in source["configMap"]["items"].elements { use(item["path"], source["configMap"]["name"]) }
            for item in source["downwardAPI"]["items"].elements { use(item["path"], item["path"]) }
            let token = source["serviceAccountToken"]
            if !token.isNull {
                if token["path"].isEmpty { errors.append(.required(path.child("path"))) }
                Constraint.ownPath(token["path"], path.child("path"), &errors)
            }
            use(source["clusterTrustBundle"]["path"], source["clusterTrustBundle"]["path"])
            for field in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
                use(source["podCertificate"][field], source["podCertificate"][field])
            }
        }
    }

    /// What a claim's volume is to have in it. An empty old field says nothing.
    private static func dataSources(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for field in ["dataSource", "dataSourceRef"] where !spec[field].isNull {
            let (source, place) = (spec[field], path.child(field))
            for name in ["name", "kind"] where source[name].isEmpty { errors.append(.required(place.child(name))) }
            if source["apiGroup"].isEmpty, source["kind"].string != "PersistentVolumeClaim" {
                let message = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
                errors.append(.invalid(place, .string(source["kind"].string ?? ""), message))
            }
            if let group = source["apiGroup"].string, !group.isEmpty {
                Constraint.add(Names.dnsSubdomain(group), .string(group), place.child("apiGroup"), &errors)
            }
            if let namespace = source["namespace"].string, !namespace.isEmpty {
                Constraint.add(Names.dnsLabel(namespace), .string(namespace), place.child("namespace"), &errors)
            }
        }
        guard !spec["dataSource"].isNull, !spec["dataSourceRef"].isNull else { return }
        let shown = Value.string("\(path.child("dataSource"))")
        if !spec["dataSourceRef"]["namespace"].isEmpty {
            errors.append(.invalid(path, shown, "may not be specified when dataSourceRef.namespace is specified"))
        } else if ["apiGroup", "kind", "name"].contains(where: { spec["dataSource"][$0] != spec["dataSourceRef"][$0] }) {
            errors.append(.invalid(path, shown, "must match dataSourceRef"))
        }
    }

    /// The mode for one pod goes with no other.
    private static func onePodAlone(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let modes = Set(spec["accessModes"].elements.compactMap(\.string))
        if modes.contains("ReadWriteOncePod"), modes.count > 1 {
            errors.append(.forbidden(path.child("accessModes"), "may not use ReadWriteOncePod with other access modes"))
        }
    }
}
