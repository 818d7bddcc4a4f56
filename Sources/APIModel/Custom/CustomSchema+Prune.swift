internal import OrderedCollections

extension CustomSchema {
    /// Takes out of an object of the kind what the schema does not have, and nulls that a default will fill.
    /// - Returns: the paths of the unknown fields.
    func prune(_ object: inout Value) -> [String] {
        var unknown: [String] = []
        prune(&object, FieldPath(), isResource: true, &unknown)
        return unknown
    }

    /// Takes out of a value that stands in a definition what the schema does not have.
    /// - Returns: whether there was any.
    public func pruneValue(_ value: inout Value) -> Bool {
        var unknown: [String] = []
        prune(&value, FieldPath(), isResource: isEmbeddedResource, &unknown)
        return !unknown.isEmpty
    }

    private func prune(_ value: inout Value, _ path: FieldPath, isResource: Bool, _ unknown: inout [String]) {
        switch value {
        case .object(var fields):
            value = .null
            var leavesOut: [String] = []
            for index in fields.elements.indices {
                let name = fields.elements[index].key
                let child = path.child(name)
                if isResource, ObjectFields.names.contains(name) {
                    if name == "metadata" { unknown += ObjectFields.prune(&fields.values[index], child) }
                    continue
                }
                guard let schema = properties[name] ?? additional else {
                    if !preservesUnknownFields {
                        unknown.append(child.description)
                        leavesOut.append(name)
                    }
                    continue
                }
                if fields.elements[index].value.isNull, !schema.isNullable, schema.fallback != nil {
                    leavesOut.append(name)
                    continue
                }
                schema.prune(&fields.values[index], child, isResource: schema.isEmbeddedResource, &unknown)
            }
            for name in leavesOut { fields.removeValue(forKey: name) }
            value = .object(fields)
        case .array(var elements):
            guard let items else { return }
            value = .null
            for index in elements.indices {
                items.prune(&elements[index], path.index(index), isResource: items.isEmbeddedResource, &unknown)
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

    static func prune(_ value: inout Value, _ path: FieldPath) -> [String] {
        guard let metadata, case .object = value else { return [] }
        return Pruning.prune(&value, schema: metadata).map { "\(path).\($0)" }
    }
}
