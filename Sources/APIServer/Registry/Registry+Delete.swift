import APIModel
import Store

extension Registry {
    private static let orphanFinalizer = "orphan"
    private static let foregroundFinalizer = "foregroundDeletion"

    private static let preservesPods =
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning"

    /// Removes an object, or marks it as being deleted when it has a grace period, finalizers or something of its kind to wait for.
    ///
    /// Returns after the commit, with the object as it is now, or a Status when it is gone.
    func delete(_ target: Target, _ options: DeleteOptions, _ write: WriteContext) async throws -> Answer {
        while true {
            guard let record = store.get(target.key) else { throw target.notFound }
            if let answer = try await deleteOnce(target, record, options, write) { return answer }
        }
    }

    /// `nil` when somebody wrote in between.
    private func deleteOnce(_ target: Target, _ record: Record, _ options: DeleteOptions, _ write: WriteContext) async throws -> Answer? {
        let storage = target.storage
        let old = try await storage.current(record, self)
        try options.check(old, target)
        var object = old
        let request = AdmissionRequest(operation: .delete, target: target, old: old, context: write)
        var nothing = Value.null
        try await storage.admission.admit(&nothing, request)
        try await storage.strategy.prepareForDelete(&object, target, write)
        Self.setFinalizers(&object, options, orphansByDefault: storage.traits.contains(.orphans))
        if storage.collection == "batch/jobs", options.propagation == nil { write.warn(Self.preservesPods) }
        let wasBeingDeleted = !old[path: "metadata", "deletionTimestamp"].isNull
        var grace = storage.strategy.gracePeriod(old, requested: options.gracePeriodSeconds) ?? 0
        if wasBeingDeleted, let current = old[path: "metadata", "deletionGracePeriodSeconds"].int {
            // A grace period can only be cut short; without one in the request it stays as it is.
            grace = options.gracePeriodSeconds == nil ? current : min(grace, current)
        }
        let stays = grace > 0 || !object[path: "metadata", "finalizers"].elements.isEmpty || storage.strategy.isHeld(object)
        // What goes gracefully is told to be going even where it is gone at once.
        let isGraceful = storage.strategy.gracePeriod(old, requested: options.gracePeriodSeconds) != nil
        if stays || isGraceful { Self.markDeleted(&object, old: old, grace: grace, storage) }
        return try await storage.admission.validate(.null, request) {
            do throws(StoreError) {
                guard stays else { return (try await remove(target, record, final: object, write), write.isDryRun ? .dropped : .removed) }
                if object == old { return (Answer(.record(record)), .dropped) }
                if write.isDryRun { return (Answer(.stored(object)), .dropped) }
                let marked = try await storageMetrics.write(.update, to: storage.collection) { () async throws(StoreError) in
                    try await store.put(target.key, Body(object), expecting: .revision(record.revision))
                }
                return (Answer(.record(marked)), .committed)
            } catch {
                if case .conflict = error.code { return (nil, .dropped) }
                throw Self.error(error, target)
            }
        }
    }

    private func remove(_ target: Target, _ record: Record, final: Value, _ write: WriteContext) async throws(StoreError) -> Answer {
        let (storage, old) = (target.storage, record.object.value)
        let returnsObject = storage.type.returnsDeleted
        if write.isDryRun { return returnsObject ? Answer(.stored(old)) : .success(target, uid: old["metadata"]["uid"]) }
        let gone = try await storageMetrics.write(.delete, to: storage.collection) { () async throws(StoreError) in
            try await store.delete(target.key, expecting: .revision(record.revision), final: final == old ? nil : Body(final))
        }
        return returnsObject ? Answer(.record(gone)) : .success(target, uid: old["metadata"]["uid"])
    }

    private static func markDeleted(_ object: inout Value, old: Value, grace: Whole, _ storage: Storage) {
        let before = old["metadata"]
        if before["deletionTimestamp"].isNull || before["deletionGracePeriodSeconds"].int != grace {
            let from = before["deletionTimestamp"].isNull ? Clock.seconds : deletionStart(before)
            object["metadata"]["deletionTimestamp"] = .string(Timestamp.format(seconds: from + grace))
        }
        // Kinds that know themselves how long they have to stay are given no time.
        if !storage.strategy.isHeld(object) { object["metadata"]["deletionGracePeriodSeconds"] = .int(grace) }
        if before["deletionTimestamp"].isNull, let generation = before["generation"].int, generation > 0 {
            object["metadata"]["generation"] = .int(generation + 1)
        }
    }

    /// When the deletion that the metadata tells of was asked for.
    private static func deletionStart(_ metadata: Value) -> Whole {
        guard let at = metadata["deletionTimestamp"].string.flatMap({ Timestamp.parse($0) }) else { return Clock.seconds }
        return at.seconds - (metadata["deletionGracePeriodSeconds"].int ?? 0)
    }

    /// The garbage collector finds its orders in the finalizers.
    private static func setFinalizers(_ object: inout Value, _ options: DeleteOptions, orphansByDefault: Bool) {
        var finalizers = object[path: "metadata", "finalizers"].elements.compactMap(\.string)
        let before = finalizers
        switch options.propagation {
        case nil:
            guard orphansByDefault, !before.contains(orphanFinalizer), !before.contains(foregroundFinalizer) else { return }
            finalizers.append(orphanFinalizer)
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

    /// Deletes what the options select, several at a time so that they share commits, and returns it as it was. Begins no other after the
    /// first refusal; what was deleted until then stays deleted.
    func deleteCollection(_ target: Target, _ list: ListQuery, _ options: DeleteOptions, _ write: WriteContext) async throws -> ListResult {
        let found = try await self.list(target, list)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (started, record) in found.records.enumerated() {
                if started >= Self.deletionsAtOnce { try await group.next() }
                group.addTask {
                    do {
                        _ = try await self.delete(target.in(record), options, write)
                    } catch let error as APIError where error.reason == .notFound {
                        // Gone by itself.
                    }
                }
            }
            try await group.waitForAll()
        }
        return found
    }

    /// More would only wait for each other.
    private static let deletionsAtOnce = 16
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
