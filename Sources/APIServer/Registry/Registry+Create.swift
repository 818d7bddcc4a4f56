import APIModel
import Store

extension Registry {
    /// Creates an object given in the client's version, defaulted, admitted and checked. With `generateName`, a name that is taken is
    /// followed by another.
    ///
    /// Returns after the commit.
    func create(_ target: Target, _ object: Value, _ write: Write) async throws -> Answer {
        let attempts =
            (object[path: "metadata", "name"].string ?? "").isEmpty && !(object[path: "metadata", "generateName"].string ?? "").isEmpty
            ? 8 : 1
        for attempt in 1...attempts {
            do {
                return try await createOnce(target, object, write)
            } catch let error as APIError where error.reason == .alreadyExists && attempt < attempts {
                continue
            }
        }
        throw APIError.internalError("no free name was found")
    }

    private func createOnce(_ target: Target, _ given: Value, _ write: Write) async throws -> Answer {
        let storage = target.storage
        var object = given
        try ObjectMeta.prepareForCreate(&object, target)
        let target = target.named(object[path: "metadata", "name"].string ?? "")
        if target.type.isNamespaced { try checkNamespaceAccepts(target) }
        object = try complete(object, storage)
        if storage.traits.contains(.status), !storage.traits.contains(.keepsStatus) { object["status"] = .emptyObject }
        try await storage.strategy.prepareForCreate(&object, target, write)
        do {
            object = ObjectMeta.ordered(object, as: storage.stored)
            let errors = storage.problems(object, old: nil, target, found: Validation.validate(object, resource: storage.stored))
            guard errors.isEmpty else { throw target.invalid(errors) }
            if write.isDryRun {
                if store.latest(target.key) != nil { throw APIError.alreadyExists(target.resource, target.name) }
                storage.strategy.settle(prepared: object, old: nil, outcome: .dropped)
                return Answer(.stored(object), code: 201)
            }
            let record = try await put(target, object, expecting: .absent)
            storage.strategy.settle(prepared: object, old: nil, outcome: .committed)
            return Answer(.record(record), code: 201)
        } catch {
            storage.strategy.settle(prepared: object, old: nil, outcome: .dropped)
            throw error
        }
    }

    /// An object of the client's version in the storage version, with the defaults of both.
    func complete(_ object: Value, _ storage: Storage) throws -> Value {
        var object = object
        Defaulting.apply(&object, resource: storage.type)
        guard storage.isConverted else { return object }
        object = storage.toStored(object)
        Defaulting.apply(&object, resource: storage.stored)
        return object
    }

    func put(_ target: Target, _ object: Value, expecting: Expectation) async throws -> Record {
        do throws(StoreError) {
            return try await store.put(target.key, Body(object), expecting: expecting)
        } catch {
            throw Self.error(error, target)
        }
    }

    /// A namespace must exist and not be on its way out for something to be created in it.
    func checkNamespaceAccepts(_ target: Target) throws {
        guard let namespace = latest("/namespaces", name: target.namespace) else { throw APIError.notFound("namespaces", target.namespace) }
        guard namespace.isBeingDeleted || namespace.value[path: "status", "phase"].string == "Terminating" else { return }
        var refusal = target.forbidden("unable to create new content in namespace \(target.namespace) because it is being terminated")
        refusal.details["causes"] = [
            [
                "reason": "NamespaceTerminating", "message": "namespace \(target.namespace) is being terminated",
                "field": "metadata.namespace",
            ]
        ]
        throw refusal
    }
}
