import APIModel

/// Does what one verb of a resource or of its subresource means. Runs on the caller's task.
typealias Handler = @Sendable (Call) async throws -> Answer

/// Who answers which verb: a table, to which a file beside it adds what is special about one resource.
struct Handlers: Sendable {
    struct Slot: Hashable, Sendable {
        /// `apps/deployments`, `/pods`; nil for every resource that says nothing itself.
        var collection: String?
        /// Empty for the resource itself, nil for every subresource that says nothing itself.
        var subresource: String?
        var verb: Verb

        init(_ collection: String?, _ subresource: String?, _ verb: Verb) {
            self.collection = collection
            self.subresource = subresource
            self.verb = verb
        }
    }

    typealias Table = [Slot: Handler]

    private let table: Table

    /// - Parameter tables: no two may fill the same slot.
    init(_ tables: [Table]) {
        table = tables.reduce(into: [:]) { all, table in
            all.merge(table) { _, _ in preconditionFailure("two handlers are registered for one verb of one resource") }
        }
    }

    /// - Throws: what the handler does; 404 where there is none.
    func answer(_ call: Call) async throws -> Answer {
        let (collection, subresource) = (call.target.storage.collection, call.target.subresource)
        let handler =
            table[Slot(collection, subresource, call.verb)] ?? table[Slot(nil, subresource, call.verb)]
            ?? (subresource.isEmpty ? nil : table[Slot(nil, nil, call.verb)])
        guard let handler else { throw APIError.unknownResource }
        return try await handler(call)
    }
}

/// What every stored resource does.
enum StoredHandlers {
    static let table: Handlers.Table = [
        .init(nil, "", .get): get,
        .init(nil, "", .list): { call in
            guard case .query(let query) = call.input else { throw APIError.unknownResource }
            return Answer(.list(try await call.registry.list(call.target, query)))
        },
        .init(nil, "", .watch): { call in
            guard case .query(let query) = call.input else { throw APIError.unknownResource }
            return Answer(.watch(try await WatchSource(call.registry, call.target, query)))
        },
        .init(nil, "", .create): { try await $0.registry.create($0.target, try $0.object, $0.context) },
        .init(nil, "", .update): update,
        .init(nil, "", .patch): patch,
        .init(nil, "", .delete): { call in
            guard case .deletion(let options) = call.input else { throw APIError.unknownResource }
            return try await call.registry.delete(call.target, options, call.context)
        },
        .init(nil, "", .deletecollection): { call in
            guard case .deletions(let query, let options) = call.input else { throw APIError.unknownResource }
            return Answer(.list(try await call.registry.deleteCollection(call.target, query, options, call.context)))
        },
        // Subresources that are a part of the object itself; which part is the strategy's to say.
        .init(nil, nil, .get): get,
        .init(nil, nil, .update): update,
        .init(nil, nil, .patch): patch,
    ]

    private static let get: Handler = { Answer(.record(try $0.registry.get($0.target))) }
    private static let update: Handler = { try await $0.registry.update($0.target, try $0.object, $0.context) }
    private static let patch: Handler = { call in
        guard case .patch(let patch) = call.input else { throw APIError.unknownResource }
        return try await call.registry.patch(call.target, patch, call.context)
    }
}
