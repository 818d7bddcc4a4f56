import APIModel
import OrderedCollections
import Store

/// A label and a field selector together, for one resource.
struct Selection: Sendable {
    private let labels: LabelSelector
    private let fields: FieldSelector
    private let storage: Storage

    init(labels: String, fields: String, _ storage: Storage) throws {
        do {
            self.labels = try LabelSelector(parsing: labels)
        } catch {
            throw APIError.badRequest("unable to parse requirement: \(error)")
        }
        self.fields = try FieldSelector(parsing: fields)
        self.storage = storage
        try self.fields.check(for: storage.type)
    }

    var isEverything: Bool { labels.isEmpty && fields.isEmpty }

    /// The name, when the selector asks for one object by name alone.
    var name: String? { labels.isEmpty && fields.requirements.count == 1 ? fields.required("metadata.name") : nil }

    func matches(_ record: Record) -> Bool {
        if isEverything { return true }
        let value = record.object.value
        guard labels.isEmpty || labels.matches(value[path: "metadata", "labels"].strings) else { return false }
        return fields.isEmpty || fields.matches(storage.isConverted ? storage.fromStored(value) : value, resource: storage.type)
    }
}
