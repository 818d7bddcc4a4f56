import APIModel
import Store
import Synchronization

/// Between the version that a client speaks and the one that is stored. Where a webhook converts, it is asked here and nowhere else; for
/// all other kinds nothing here waits.
extension Storage {
    /// An object of the client's version in the storage version.
    func toStored(_ object: Value, _ registry: Registry) async throws -> Value {
        guard isConverted else { return object }
        guard let webhook else {
            var object = conversion.toStorage(object)
            object["apiVersion"] = .string(stored.groupVersion.description)
            return object
        }
        var converted = try await webhook.convert([object], to: stored.groupVersion, registry)[0]
        _ = Pruning.prune(&converted, schema: stored.schema.schema)
        return converted
    }

    /// An object of the storage version, or of one that once was, in the client's version.
    func fromStored(_ object: Value, _ registry: Registry) async throws -> Value {
        guard let webhook, !object.isNull else { return renamed(object) }
        return renamed(try await webhook.convert([object], to: type.groupVersion, registry)[0])
    }

    /// A record as those see it who are about to change it: in the storage version, also when it was stored in another.
    func current(_ record: Record, _ registry: Registry) async throws -> Value {
        guard let webhook, record.object.value["apiVersion"].string != stored.groupVersion.description else { return record.object.value }
        if let known = record.conversions.find(stored.groupVersion, generation) { return known }
        var object = try await webhook.convert([record.object.value], to: stored.groupVersion, registry)[0]
        _ = Pruning.prune(&object, schema: stored.schema.schema)
        record.conversions.keep(object, stored.groupVersion, generation)
        return object
    }

    /// Has the webhook, where there is one, convert what of the records has not been converted yet, in one call. Afterwards they can be
    /// shown.
    func prepare(_ records: [Record], _ registry: Registry) async throws {
        guard let webhook else { return }
        let missing = records.filter { $0.conversions.find(type.groupVersion, generation) == nil }
        guard !missing.isEmpty else { return }
        let objects = try await webhook.convert(missing.map(\.object.value), to: type.groupVersion, registry)
        for (record, object) in zip(missing, objects) { record.conversions.keep(renamed(object), type.groupVersion, generation) }
    }

    /// A record in the client's version.
    /// - Throws: where a webhook converts and the record was not prepared.
    func shown(_ record: Record) throws -> Value {
        guard webhook != nil else { return renamed(record.object.value) }
        guard let known = record.conversions.find(type.groupVersion, generation) else {
            throw APIError.internalError("\(record.key.name) has not been converted to \(type.groupVersion)")
        }
        return known
    }

    /// Without asking anybody.
    private func renamed(_ object: Value) -> Value {
        guard isConverted else { return object }
        var object = conversion.fromStorage(object, version: type.groupVersion)
        object["apiVersion"] = .string(type.groupVersion.description)
        return object
    }

    /// Of the definition of a custom kind.
    private var generation: Int64 { type.custom?.generation ?? 0 }
}

/// What a webhook has made of a record, by version: kept with the record, so that it is asked once.
final class Conversions: Sendable {
    private struct Form {
        var version: GroupVersion
        /// Of the definition, since a changed one may convert differently.
        var generation: Int64
        var object: Value
    }

    /// Few, so that looking at each is quicker than a table.
    private let forms = Mutex<[Form]>([])

    func find(_ version: GroupVersion, _ generation: Int64) -> Value? {
        forms.withLock { $0.first { $0.version == version && $0.generation == generation }?.object }
    }

    func keep(_ object: Value, _ version: GroupVersion, _ generation: Int64) {
        forms.withLock { forms in
            forms.removeAll { $0.version == version }
            forms.append(Form(version: version, generation: generation, object: object))
        }
    }
}

extension Record {
    var conversions: Conversions { memo { _ in Conversions() } }
}
