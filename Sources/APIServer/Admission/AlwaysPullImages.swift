import APIModel

/// Every image is pulled with the pod's own credentials, so that nobody uses what another pod's brought to the node.
struct AlwaysPullImages: MutatingMember, ValidatingMember {
    let name = "AlwaysPullImages"

    private static let lists = ["containers", "initContainers", "ephemeralContainers"]

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard Self.concerns(request) else { return }
        for list in Self.lists {
            for index in pod["spec"][list].elements.indices { pod["spec"][list][index]["imagePullPolicy"] = "Always" }
        }
    }

    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard Self.concerns(request) else { return nil }
        for list in Self.lists {
            for container in pod["spec"][list].elements where container["imagePullPolicy"].string != "Always" {
                throw request.target.forbidden(
                    "spec.\(list).imagePullPolicy: Unsupported value: \(FieldError.quoted(container["imagePullPolicy"].string ?? "")): supported values: \"Always\""
                )
            }
        }
        return nil
    }

    private static func concerns(_ request: AdmissionRequest) -> Bool {
        request.operation == .create && request.isOfObject
            || request.operation == .update && ["", "ephemeralcontainers"].contains(request.target.subresource)
    }
}
