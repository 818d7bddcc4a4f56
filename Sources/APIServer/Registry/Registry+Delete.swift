import APIModel
import Store

extension Registry {
    private static let orphanFinalizer = "orphan"
    private static let foregroundFinalizer = "foregroundDeletion"
    private static let attempts = 10

    /// Removes an object, or marks it as being deleted when it has a grace period, finalizers or something of its kind to wait for.
    ///
    /// Returns after the commit, with the object as it is now, or a Status when it is gone.
    func delete(_ target: Target, _ options: DeleteOptions, _ write: Write) async throws -> Answer {
        for _ in 1...Self.attempts {
            guard let record = store.latest(target.key) else { throw target.notFound }
            if let answer = try await deleteOnce(target, record, options, write) { return answer }
        }
        throw target.conflict(Self.conflictMessage)
    }

    /// `nil` when somebody wrote in between.
    private func deleteOnce(_ target: Target, _ record: Record, _ options: DeleteOptions, _ write: Write) async throws -> Answer? {
        let storage = target.storage
        let old = record.object.value
        try options.check(old, target)
        var object = old
        try await storage.strategy.prepareForDelete(&object, target, write)
        Self.setFinalizers(&object, options)
        let wasBeingDeleted = !old[path: "metadata", "deletionTimestamp"].isNull
        var grace = storage.strategy.gracePeriod(old, requested: options.gracePeriodSeconds) ?? 0
        if wasBeingDeleted, let current = old[path: "metadata", "deletionGracePeriodSeconds"].int {
            // A grace period can only be cut short; without one in the request it stays as it is.
            grace = options.gracePeriodSeconds == nil ? current : min(grace, current)
        }
        let stays = grace > 0 || !object[path: "metadata", "finalizers"].elements.isEmpty || storage.strategy.isHeld(object)
        do throws(StoreError) {
            guard stays else {
                if write.isDryRun {
                    return storage.traits.contains(.returnsDeleted) ? Answer(.stored(old)) : .success(target, uid: old["metadata"]["uid"])
                }
                let final = object == old ? nil : Body(object)
                let gone = try await store.delete(target.key, expecting: .revision(record.revision), final: final)
                storage.strategy.settle(prepared: nil, old: old, outcome: .removed)
                return storage.traits.contains(.returnsDeleted) ? Answer(.record(gone)) : .success(target, uid: old["metadata"]["uid"])
            }
            Self.markDeleted(&object, old: old, grace: grace, storage)
            if object == old { return Answer(.record(record)) }
            if write.isDryRun { return Answer(.stored(object)) }
            return Answer(.record(try await store.put(target.key, Body(object), expecting: .revision(record.revision))))
        } catch {
            if case .conflict = error.code { return nil }
            throw Self.error(error, target)
        }
    }

    private static func markDeleted(_ object: inout Value, old: Value, grace: Int64, _ storage: Storage) {
        let before = old["metadata"]
        if before["deletionTimestamp"].isNull || before["deletionGracePeriodSeconds"].int != grace {
            let from = before["deletionTimestamp"].isNull ? Clock.seconds : deletionStart(before)
            object["metadata"]["deletionTimestamp"] = .string(Timestamp.format(seconds: from + grace))
        }
        object["metadata"]["deletionGracePeriodSeconds"] = .int(grace)
        if before["deletionTimestamp"].isNull, let generation = before["generation"].int, generation > 0 {
            object["metadata"]["generation"] = .int(generation + 1)
        }
    }

    /// When the deletion that the metadata tells of was asked for.
    private static func deletionStart(_ metadata: Value) -> Int64 {
        guard let at = metadata["deletionTimestamp"].string.flatMap({ Timestamp.parse($0) }) else { return Clock.seconds }
        return at.seconds - (metadata["deletionGracePeriodSeconds"].int ?? 0)
    }

    /// The garbage collector finds its orders in the finalizers.
    private static func setFinalizers(_ object: inout Value, _ options: DeleteOptions) {
        var finalizers = object[path: "metadata", "finalizers"].elements.compactMap(\.string)
        let before = finalizers
        switch options.propagation {
        case nil: return
        case .orphan: add(orphanFinalizer, remove: foregroundFinalizer)
        case .foreground: add(foregroundFinalizer, remove: orphanFinalizer)
        case .background: finalizers.removeAll { $0 == orphanFinalizer || $0 == foregroundFinalizer }
        }
        guard finalizers != before else { return }
        object["metadata"]["finalizers"] = finalizers.isEmpty ? .null : Value(finalizers)

        func add(_ wanted: String, remove unwanted: String) {
            finalizers.removeAll { $0 == unwanted }
            if !finalizers.contains(wanted) { finalizers.append(wanted) }
        }
    }

    /// Deletes what the options select, one after another, and returns it as it was. Stops at the first refusal; what was deleted until
    /// then stays deleted.
    func deleteCollection(_ target: Target, _ list: ListQuery, _ options: DeleteOptions, _ write: Write) async throws -> ListResult {
        let found = try self.list(target, list)
        for record in found.records {
            do {
                _ = try await delete(target.in(record), options, write)
            } catch let error as APIError where error.reason == .notFound {
                // Gone by itself.
            }
        }
        return found
    }
}

extension Target {
    /// The object of a record of this target's collection.
    func `in`(_ record: Record) -> Target {
        var target = self
        target.namespace = String(record.key.namespace)
        target.name =
            record.key.name.lastIndex(of: "/").map { String(record.key.name[record.key.name.index(after: $0)...]) } ?? record.key.name
        return target
    }
}
