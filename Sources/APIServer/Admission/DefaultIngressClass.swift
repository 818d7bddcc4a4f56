import APIModel

/// Ingresses get the default class when they name none.
struct DefaultIngressClass: MutatingMember {
    let name = "DefaultIngressClass"

    func concerns(collection: String) -> Bool { collection == "networking.k8s.io/ingresses" }

    func admit(_ ingress: inout Value, _ request: AdmissionRequest) async throws {
        guard request.operation == .create, request.isOfObject, ingress[path: "spec", "ingressClassName"].isNull,
            ingress[path: "metadata", "annotations"]["kubernetes.io/ingress.class"].isNull
        else { return }
        let newest = DefaultClass.newest(of: "networking.k8s.io/ingressclasses", by: "ingressclass.kubernetes.io/is-default-class", request)
        if let newest { ingress["spec"]["ingressClassName"] = .string(newest) }
    }
}
