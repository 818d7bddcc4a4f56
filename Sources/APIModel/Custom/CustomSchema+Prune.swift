internal import OrderedCollections

extension CustomSchema {
    /// What was found in an object that is pruned.
    struct Findings {
        /// The paths of the unknown fields.
        var unknown: [String] = []
        /// What is wrong with the first metadata that is none, the object's own or that of one inside.
        var mismatch: String?
    }

    /// Takes out of an object of the kind what the schema does not have, and nulls where none may be.
    func prune(_ object: inout Value) -> Findings {
        var findings = Findings()
        prune(&object, FieldPath(), isResource: true, &findings)
        return findings
    }

    /// Takes out of a value that stands in a definition what the schema does not have.
    /// - Returns: whether there was any.
    public func pruneValue(_ value: inout Value) -> Bool {
        var findings = Findings()
        prune(&value, FieldPath(), isResource: isEmbeddedResource, &findings)
        return !findings.unknown.isEmpty
    }

    private func prune(_ value: inout Value, _ path: FieldPath, isResource: Bool, _ findings: inout Findings) {
        switch value {
        case .object(var fields):
            value = .null
            var leavesOut: [String] = []
            for index in fields.elements.indices {
                let name = fields.elements[index].key
                let child = path.child(name)
                if isResource, ObjectFields.names.contains(name) {
                    if name == "metadata" { ObjectFields.prune(&fields.values[index], child, &findings) }
                    continue
                }
                guard let schema = properties[name] ?? additional else {
                    if !preservesUnknownFields {
                        findings.unknown.append(child.description)
                        leavesOut.append(name)
                    }
                    continue
                }
                if fields.elements[index].value.isNull, !schema.isNullable {
                    leavesOut.append(name)
                    continue
                }
                schema.prune(&fields.values[index], child, isResource: schema.isEmbeddedResource, &findings)
            }
            for name in leavesOut { fields.removeValue(forKey: name) }
            value = .object(fields)
        case .array(var elements):
            guard let items else { return }
            value = .null
            for index in elements.indices {
                items.prune(&elements[index], path.index(index), isResource: items.isEmbeddedResource, &findings)
            }
            value = .array(elements)
        default: return
        }
    }

    /// Fills in what is not there and has a default, from the outside inwards.
    func fill(_ value: inout Value) {
        switch value {
        case .object(var fields):
            value = .null
            for (name, schema) in properties {
                if let fallback = schema.fallback, fields[name] == nil { fields[name] = fallback }
            }
            for index in fields.elements.indices {
                (properties[fields.elements[index].key] ?? additional)?.fill(&fields.values[index])
            }
            value = .object(fields)
        case .array(var elements):
            guard let items else { return }
            value = .null
            for index in elements.indices { items.fill(&elements[index]) }
            value = .array(elements)
        default: return
        }
    }
}

/// The fields that every object of the API has, whatever its kind's schema says.
enum ObjectFields {
    static let names: Set = ["apiVersion", "kind", "metadata"]

    static let metadataType = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

    private static let metadata = Catalogue.builtin.type(named: metadataType)

    static func prune(_ value: inout Value, _ path: FieldPath, _ findings: inout CustomSchema.Findings) {
        guard let metadata, !value.isNull else { return }
        let given = value
        var walk = TypeWalk()
        walk.object(&value, metadata)
        findings.unknown += walk.unknown.map { "\(path).\($0)" }
        guard findings.mismatch == nil, let mismatch = walk.mismatch else { return }
        // Of the object's own metadata it goes without saying where they are.
        findings.mismatch = path.description == "metadata" ? mismatch : FieldError.invalid(path, given, mismatch).message
    }
}
