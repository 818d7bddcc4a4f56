import APIModel

/// Volumes begin without a claim.
struct PersistentVolumeStrategy: Strategy {
    func prepareForCreate(_ volume: inout Value, _ target: Target, _ write: WriteContext) async throws {
        volume["status"] = ["phase": "Pending"]
    }
}

/// Claims begin pending.
struct PersistentVolumeClaimStrategy: Strategy {
    func prepareForCreate(_ claim: inout Value, _ target: Target, _ write: WriteContext) async throws {
        claim["status"] = ["phase": "Pending"]
    }
}
