import APIModel

/// Nobody gives a Service an external IP that it did not have.
struct DenyServiceExternalIPs: ValidatingMember {
    let name = "DenyServiceExternalIPs"

    func concerns(collection: String) -> Bool { collection == "/services" }

    func validate(_ service: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.isOfObject, request.operation == .create || request.operation == .update else { return nil }
        let before = Set(request.old?[path: "spec", "externalIPs"].elements ?? [])
        guard Set(service[path: "spec", "externalIPs"].elements).isSubset(of: before) else {
            throw request.target.forbidden("Use of external IPs is denied by admission control.")
        }
        return nil
    }
}
