import APIModel
import Store

extension Registry {
    /// Creates an object given in the client's version, defaulted, admitted and checked. With `generateName`, a name that is taken is
    /// followed by another.
    ///
    /// Returns after the commit.
    /// - Parameter isApplied: whether the object's managed fields are told already.
    func create(_ target: Target, _ object: Value, _ write: WriteContext, isApplied: Bool = false) async throws -> Answer {
        var attemptsLeft =
            (object[path: "metadata", "name"].string ?? "").isEmpty && !(object[path: "metadata", "generateName"].string ?? "").isEmpty
            ? 7 : 0
        while true {
            do {
                return try await createOnce(target, object, write, isApplied: isApplied)
            } catch let error as APIError where error.reason == .alreadyExists && attemptsLeft > 0 {
                attemptsLeft -= 1
            } catch is WrittenInBetween {
                continue
            }
        }
    }

    private func createOnce(_ target: Target, _ given: Value, _ write: WriteContext, isApplied: Bool) async throws -> Answer {
        let storage = target.storage
        var object = given
        try ObjectMeta.prepareForCreate(&object, target)
        let target = target.named(object[path: "metadata", "name"].string ?? "")
        object = try await complete(object, storage)
        ObjectMeta.dropTwinOwners(&object, write)
        if !isApplied { try await keepManagedFields(&object, old: nil, target, write) }
        let request = AdmissionRequest(operation: .create, target: target, context: write)
        try await storage.admission.admit(&object, request)
        ObjectMeta.dropTwinOwners(&object, write, ObjectMeta.afterAdmission)
        if storage.traits.contains(.status), !storage.traits.contains(.keepsStatus) || object["status"].isEmpty {
            object["status"] = storage.type.custom == nil ? storage.stored.newStatus : .null
        }
        try await storage.strategy.prepareForCreate(&object, target, write)
        object = ObjectMeta.ordered(object, as: storage.stored)
        ObjectMeta.warnOfFinalizers(object, old: nil, target, write)
        let errors = storage.problems(object, old: nil, target, found: Validation.validate(object, resource: storage.stored))
        guard errors.isEmpty else { throw target.invalid(errors) }
        write.warn(object, old: nil, target)
        let body = try Body(checked: object)
        return try await storage.admission.validate(object, request) {
            if write.isDryRun {
                if store.get(target.key) != nil { throw APIError.alreadyExists(target.resource, target.name) }
                return (Answer(.stored(object), code: 201), .dropped)
            }
            return (Answer(.record(try await insert(target, body)), code: 201), .committed)
        }
    }

    /// An object of the client's version in the storage version, with the defaults of both.
    func complete(_ object: Value, _ storage: Storage) async throws -> Value {
        var object = object
        Defaulting.apply(&object, resource: storage.type)
        guard storage.isConverted else { return object }
        object = try await storage.toStored(object, self)
        Defaulting.apply(&object, resource: storage.stored)
        return object
    }

    private func insert(_ target: Target, _ body: Body) async throws -> Record {
        do throws(StoreError) {
            return try await storageMetrics.write(.create, to: target.storage.collection) { () async throws(StoreError) in
                try await store.put(target.key, body, expecting: .absent)
            }
        } catch {
            throw Self.error(error, target)
        }
    }
}
