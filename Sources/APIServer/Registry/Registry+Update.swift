import APIModel
import Client
import Store

extension Registry {
    /// Replaces an object by one given in the client's version.
    func update(_ target: Target, _ object: Value, _ write: WriteContext) async throws -> Answer {
        if target.storage.traits.contains(.createsOnUpdate), target.subresource.isEmpty, store.get(target.key) == nil {
            try await write.authorize(.create, target)
            do {
                return try await create(target, object, write)
            } catch let error as APIError where error.reason == .alreadyExists {
                // Somebody was quicker; it is an update after all.
            }
        }
        let version = object[path: "metadata", "resourceVersion"].string ?? ""
        if target.storage.traits.contains(.needsResourceVersion), version.isEmpty || UInt64(version) == 0, store.get(target.key) != nil {
            throw target.invalid([.invalid("metadata.resourceVersion", 0, "must be specified for an update")])
        }
        try target.requireName(object)
        var completed = try await complete(object, target.storage)
        ObjectMeta.dropTwinOwners(&completed, write)
        let wanted = completed
        return try await modify(target, write) { old in
            var object = wanted
            try await self.keepManagedFields(&object, old: old, target, write)
            return object
        }
    }

    /// Changes an object by a patch in the client's version.
    func patch(_ target: Target, _ patch: ObjectPatch, _ write: WriteContext) async throws -> Answer {
        write.verb = .patch
        if patch.kind == .apply { return try await apply(target, patch, write) }
        return try await modify(target, write) { old in
            let before = try await target.storage.fromStored(old, self)
            let changed = try patch.apply(to: before, target, write)
            try target.requireName(changed)
            let uid = changed["metadata"]["uid"]
            guard uid.isEmpty || uid == old["metadata"]["uid"] else {
                throw target.invalid([.invalid("metadata.uid", uid, "field is immutable")])
            }
            var object = try await self.complete(changed, target.storage)
            try await self.keepManagedFields(&object, old: old, target, write)
            return object
        }
    }

    /// Read, change, check, write; again from the start when somebody wrote in between, unless the changed object names the resourceVersion
    /// it is meant for.
    ///
    /// `change` gets the newest state and returns the wanted one, both in the storage version.
    /// - Parameter operation: what the admission chain is asked about; nil where it has been asked about the request as a whole.
    func modify(
        _ target: Target, _ write: WriteContext, operation: AdmissionRequest.Operation? = .update,
        _ change: (Value) async throws -> Value
    ) async throws -> Answer {
        while true {
            guard let record = store.get(target.key) else { throw target.notFound }
            do {
                return try await modifyOnce(target, record, write, operation, change)
            } catch is WrittenInBetween {
                continue
            }
        }
    }

    private func modifyOnce(
        _ target: Target, _ record: Record, _ write: WriteContext, _ operation: AdmissionRequest.Operation?,
        _ change: (Value) async throws -> Value
    ) async throws -> Answer {
        let storage = target.storage
        let old = try await storage.current(record, self)
        if let uid = write.options.preconditions.uid, uid != old[path: "metadata", "uid"].string {
            throw target.conflict(
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(old[path: "metadata", "uid"].string ?? "")")
        }
        var object = try await change(old)
        if let version = write.options.preconditions.resourceVersion { object["metadata"]["resourceVersion"] = .string(version) }
        if let version = object[path: "metadata", "resourceVersion"].string, !version.isEmpty, version != String(record.revision) {
            guard let number = UInt64(version) else {
                let problem = "strconv.ParseUint: parsing \(FieldError.quoted(version)): invalid syntax"
                throw APIError(code: 500, reason: .unknown, message: problem)
            }
            // As upstream: zero stands for whatever there is.
            guard number == 0 else { throw target.conflict(Self.conflictMessage) }
        }
        try ObjectMeta.prepareForUpdate(&object, old: old, target)
        Self.keepOtherParts(&object, old: old, target)
        let chain = operation == nil ? AdmissionChain([]) : storage.admission
        let request = AdmissionRequest(operation: operation ?? .update, target: target, old: old, context: write)
        try await chain.admit(&object, request)
        ObjectMeta.dropTwinOwners(&object, write, ObjectMeta.afterAdmission)
        let managed = object[path: "metadata", "managedFields"]
        try await storage.strategy.prepareForUpdate(&object, old: old, target, write)
        object["metadata"]["managedFields"] = managed
        if storage.raisesGeneration(object, old: old, target) {
            object["metadata"]["generation"] = .int((old[path: "metadata", "generation"].int ?? 0) + 1)
        }
        object["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        object = ObjectMeta.ordered(object, as: storage.stored)
        ObjectMeta.warnOfFinalizers(object, old: old, target, write)
        let errors = storage.problems(
            object, old: old, target,
            found: Validation.validateUpdate(
                object, old: old, resource: storage.stored, subresource: target.subresource.isEmpty ? nil : target.subresource))
        guard errors.isEmpty else { throw target.invalid(errors) }
        write.warn(object, old: old, target)
        return try await chain.validate(object, request) {
            let answer = try await commitChange(target, object, record, write)
            return (answer, write.isDryRun ? .dropped : isFinished(object, storage) ? .removed : .committed)
        }
    }

    private func commitChange(_ target: Target, _ object: Value, _ record: Record, _ write: WriteContext) async throws -> Answer {
        let old = record.object.value
        let changesNothing = object == old || FieldManager.differsInTimesAlone(object, old)
        if changesNothing, encryption?.isStale(record) != true { return Answer(.record(record)) }
        let body = try Body(checked: object)
        if write.isDryRun { return Answer(.stored(object)) }
        // When the last finalizer is gone the change is the object's last state.
        let isFinished = isFinished(object, target.storage)
        do throws(StoreError) {
            let written = try await storageMetrics.write(isFinished ? .delete : .update, to: target.storage.collection) {
                () async throws(StoreError) in
                isFinished
                    ? try await store.delete(target.key, expecting: .revision(record.revision), final: body)
                    : try await store.put(target.key, body, expecting: .revision(record.revision))
            }
            return Answer(.record(written))
        } catch {
            if case .conflict = error.code { throw WrittenInBetween() }
            throw Self.error(error, target)
        }
    }

    /// Whether an object that is being deleted has nothing left to wait for.
    func isFinished(_ object: Value, _ storage: Storage) -> Bool {
        let metadata = object["metadata"]
        guard !metadata["deletionTimestamp"].isNull, metadata["finalizers"].elements.isEmpty else { return false }
        return (metadata["deletionGracePeriodSeconds"].int ?? 0) == 0 && !storage.strategy.isHeld(object)
    }

    /// The main resource does not write the status, the status subresource of the rest only what upstream lets it. What other subresources
    /// may write is their strategy's to say.
    private static func keepOtherParts(_ object: inout Value, old: Value, _ target: Target) {
        guard target.storage.traits.contains(.status) else { return }
        switch target.subresource {
        case "":
            object["status"] = old["status"]
        case "status":
            let (status, metadata) = (object["status"], object["metadata"])
            object = old
            object["status"] = status
            object["metadata"] = metadata
            for field in StatusMetadata.kept(target.storage) { object["metadata"][field] = old["metadata"][field] }
        default: return
        }
    }
}

extension Target {
    /// Whoever writes an object says which it is, in the path and in the object.
    func requireName(_ object: Value) throws {
        guard object[path: "metadata", "name"].isEmpty else { return }
        throw APIError.badRequest("the name of the object (\(name) based on URL) was undeterminable: name must be provided")
    }
}
