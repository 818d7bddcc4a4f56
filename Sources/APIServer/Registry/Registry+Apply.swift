import APIModel
import Client
import Store

extension Registry {
    /// Applies a configuration in the client's version: merges it into the object, or creates the object, which needs the right to.
    func apply(_ target: Target, _ patch: ObjectPatch, _ write: WriteContext) async throws -> Answer {
        while true {
            guard store.get(target.key) == nil else {
                do {
                    return try await modify(target, write) { old in
                        let before = try await target.storage.fromStored(old, self)
                        let changed = try await patch.applied(to: before, target, write)
                        try target.requireName(patch.content)
                        let uid = changed["metadata"]["uid"]
                        guard uid == old["metadata"]["uid"] else {
                            throw target.invalid([.invalid("metadata.uid", uid, "field is immutable")])
                        }
                        return try await self.complete(changed, target.storage)
                    }
                } catch let error as APIError where error.reason == .notFound && store.get(target.key) == nil && target.subresource.isEmpty
                {
                    // Gone meanwhile, so it is made anew.
                    continue
                }
            }
            guard target.subresource.isEmpty else { throw target.notFound }
            try await write.authorize(.create, target)
            if let uid = patch.content[path: "metadata", "uid"].string, !uid.isEmpty {
                throw target.conflict("uid mismatch: the provided object specified uid \(uid), and no existing object was found")
            }
            let object = try await patch.applied(to: nil, target, write)
            try target.requireName(object)
            do {
                return try await create(target, object, write, isApplied: true)
            } catch let error as APIError where error.reason == .alreadyExists {
                // Somebody was quicker, so it is merged after all.
            }
        }
    }

    /// Brings the managed fields of an object up to date that is about to replace `old`; both are in the storage version.
    func keepManagedFields(_ object: inout Value, old: Value?, _ target: Target, _ write: WriteContext) async throws {
        let fields = try FieldManager(target, write)
        guard target.storage.isConverted else { return await fields.update(&object, old: old) }
        var shown = try await target.storage.fromStored(object, self)
        let before = if let old { try await target.storage.fromStored(old, self) } else { Value?.none }
        await fields.update(&shown, old: before)
        object["metadata"]["managedFields"] = shown["metadata"]["managedFields"]
    }
}
