import APIModel
import Store

/// A label and a field selector together, for one resource: what they ask, and where to look for it. Made once for a request.
struct Selection: Sendable {
    private let labels: LabelSelector
    private let fields: FieldTest
    /// The name that every match has.
    private let name: String?
    /// The namespace that every match has.
    private let namespace: String?
    /// All of them are terms of every match.
    let terms: [Term]
    /// Where the fields are those of a version that a webhook makes of what is stored.
    private let shownBy: Storage?

    /// - Parameter limit: how many requirements, and values of them, are taken.
    init(labels: String, fields: String, _ storage: Storage, limit: Int) throws {
        do {
            self.labels = try LabelSelector(parsing: labels)
        } catch {
            throw APIError.badRequest("\(error)")
        }
        let selector = try FieldSelector(parsing: fields)
        self.fields = try selector.test(for: storage.type)
        name = selector.required("metadata.name")
        namespace = storage.type.isNamespaced ? selector.required("metadata.namespace") : nil
        terms =
            self.fields.parts.filter { $0.isEqual && $0.field.isIndexed }.map { StoredTerms.field($0.field.path, $0.value) }
            + self.labels.equalities.map { StoredTerms.label($0.key, $0.value) }
        let isOfMetadata = self.fields.parts.allSatisfy { $0.field.name.hasPrefix("metadata.") }
        shownBy = storage.webhook == nil || isOfMetadata ? nil : storage
        guard self.labels.weight + self.fields.parts.count <= limit else {
            throw APIError.badRequest("a selector may have at most \(limit) requirements and values")
        }
    }

    var isEverything: Bool { labels.isEmpty && fields.parts.isEmpty }

    /// The part of the target's collection that holds every match.
    func place(in target: Target) -> (namespace: String?, name: String?) {
        let namespace = target.namespace.isEmpty ? namespace : target.namespace
        guard let name = target.name.isEmpty ? name : target.name else { return (namespace, nil) }
        guard target.type.isNamespaced else { return (nil, name) }
        return (namespace, namespace.map { "\($0)/\(name)" })
    }

    /// Has what the selectors look at made of the records, where a webhook makes it: one that is not prepared matches nothing.
    func prepare(_ records: [Record], _ registry: Registry) async throws { try await shownBy?.prepare(records, registry) }

    func matches(_ record: Record) -> Bool {
        if isEverything { return true }
        // The key tells the name without decoding.
        if let name, !record.key.name.hasSuffix(name) { return false }
        let object = record.object.value
        guard labels.matches(labelsOf: object) else { return false }
        guard let shownBy else { return fields.accepts(object) }
        return (try? shownBy.shown(record)).map(fields.accepts) ?? false
    }
}
