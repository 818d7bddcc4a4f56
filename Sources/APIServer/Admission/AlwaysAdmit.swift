/// Has nothing against anything. Off unless it is enabled.
struct AlwaysAdmit: AdmissionMember {
    let name = "AlwaysAdmit"

    func concerns(collection: String) -> Bool { false }
}
