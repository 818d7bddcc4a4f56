import APIModel

/// Volumes begin without a claim, and say since when they are what they are.
struct PersistentVolumeStrategy: Strategy {
    func prepareForCreate(_ volume: inout Value, _ target: Target, _ write: WriteContext) async throws {
        volume["status"] = ["phase": "Pending", "lastPhaseTransitionTime": .string(Timestamp.now())]
    }

    func prepareForUpdate(_ volume: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        let (before, after) = (old["status"], volume["status"])
        guard target.subresource == "status", before["phase"] != after["phase"],
            after["lastPhaseTransitionTime"].isNull || after["lastPhaseTransitionTime"] == before["lastPhaseTransitionTime"]
        else { return }
        volume["status"]["lastPhaseTransitionTime"] = .string(Timestamp.now())
    }
}

/// Claims begin pending.
struct PersistentVolumeClaimStrategy: Strategy {
    func prepareForCreate(_ claim: inout Value, _ target: Target, _ write: WriteContext) async throws {
        claim["status"] = ["phase": "Pending"]
    }
}
