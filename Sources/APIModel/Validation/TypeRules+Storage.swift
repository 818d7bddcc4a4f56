internal import OrderedCollections

extension TypeRules {
    /// Classes of storage, and what drivers say of themselves.
    static let storage: [String: Rule] = [
        "storage.v1.StorageClass": { storageClass, path, errors in
            if let name = storageClass["provisioner"].string, !name.isEmpty {
                Constraint.add(Names.qualifiedName(name.lowercased()), .string(name.lowercased()), path.child("provisioner"), &errors)
            }
            parameters(storageClass["parameters"], path.child("parameters"), &errors)
        },
        "storage.v1.VolumeAttributesClass": { attributesClass, path, errors in
            let field = path.child("parameters")
            if attributesClass["parameters"].isEmpty { errors.append(.required(field, "must contain at least one key/value pair")) }
            parameters(attributesClass["parameters"], field, &errors)
        },
        "storage.v1.CSIDriverSpec": { spec, path, errors in
            var audiences: Set<String> = []
            for (index, request) in spec["tokenRequests"].elements.enumerated() {
                let audience = request["audience"].string ?? ""
                if !audiences.insert(audience).inserted {
                    errors.append(.duplicate(path.child("tokenRequests").index(index).child("audience"), .string(audience)))
                }
            }
        },
        "core.v1.TopologySelectorLabelRequirement": { requirement, path, errors in
            let (key, values) = (requirement["key"].string ?? "", requirement["values"].elements)
            Constraint.add(Names.qualifiedName(key), .string(key), path.child("key"), &errors)
            if values.isEmpty { errors.append(.required(path.child("values"))) }
            for (index, value) in values.enumerated() where values[..<index].contains(value) {
                errors.append(.duplicate(path.child("values").index(index), value))
            }
        },
    ]

    private static let mostParameters = 512
    private static let mostBytesOfParameters = 256 * 1024

    private static func parameters(_ parameters: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard parameters.fields.count <= mostParameters else {
            errors.append(.tooLong(path, limit: mostParameters))
            return
        }
        if parameters.fields.keys.contains("") { errors.append(.invalid(path, "", "field can not be empty.")) }
        if parameters.fields.reduce(0, { $0 + $1.key.utf8.count + ($1.value.string?.utf8.count ?? 0) }) > mostBytesOfParameters {
            errors.append(.tooLong(path, limit: mostBytesOfParameters))
        }
    }
}
