import APIModel

/// Lets nothing be changed. Off unless it is enabled.
struct AlwaysDeny: MutatingMember {
    let name = "AlwaysDeny"

    func concerns(collection: String) -> Bool { true }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        throw request.target.forbidden("admission control is denying all modifications")
    }
}
