import APIModel
import OrderedCollections
import Store

/// By what the store finds objects: their labels, their owners, the fields for which the catalogue has an index, and what nodes have to do
/// with them.
///
/// What a record is found by does not change while it is kept, so these are the catalogue's fields; those of custom resources come and go.
struct StoredTerms: Indexer {
    /// By collection.
    private let fields: [String: [ValuePath]]

    init(_ catalogue: Catalogue) {
        var fields: [String: [ValuePath]] = [:]
        for type in catalogue.resources {
            let indexed = (type.selectableFields ?? []).filter(\.isIndexed).map(\.path)
            if !indexed.isEmpty { fields["\(type.group)/\(type.name)"] = indexed }
        }
        self.fields = fields
    }

    func terms(of body: Body, in collection: String) -> [Term] {
        let value = (body.memo as? StoredObject)?.value ?? (try? JSON.decode(body.bytes)) ?? .null
        return terms(value, collection)
    }

    func terms(of record: Record) -> [Term] { terms(record.object.value, record.key.collection) }

    private func terms(_ object: Value, _ collection: String) -> [Term] {
        var terms: [Term] = []
        if case .object(let labels) = object["metadata"]["labels"] {
            for (key, value) in labels { if let value = value.string { terms.append(Self.label(key, value)) } }
        }
        for path in [ValuePath.ownerUID] + (fields[collection] ?? []) {
            for value in path.values(in: object) { terms.append(Self.field(path, value)) }
        }
        if collection == BudgetTerms.collection { terms += BudgetTerms.terms(of: object) }
        return terms + NodeGraph.terms(of: object, in: collection)
    }

    static func label(_ key: String, _ value: String) -> Term { Term(.label, key, value) }
    static func field(_ path: ValuePath, _ value: String) -> Term { Term(.field, path.description, value) }
}
