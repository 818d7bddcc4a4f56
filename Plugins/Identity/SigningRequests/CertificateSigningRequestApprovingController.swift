public import APIModel
public import PluginKit

/// Approves the client certificates that kubelets ask for, where whoever asks may have them. Rules: upstream
/// `pkg/controller/certificates/approver`.
public struct CertificateSigningRequestApprovingController: Controller {
    private static let reviews = GroupVersionResource(group: "authorization.k8s.io", version: "v1", resource: "subjectaccessreviews")

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let request = try objects.get(RequestedCertificate.resource, name: key.name), !RequestState.isIssued(request),
            !RequestState.isDecided(request),
            request["spec"]["signerName"].string == "kubernetes.io/kube-apiserver-client-kubelet",
            let wanted = try? RequestedCertificate(request), wanted.kubeletClientProblem == nil
        else { return .done }
        let isOwn = request["spec"]["username"].string == wanted.commonName
        let ways = [
            ("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."),
            ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."),
        ]
        for (subresource, message) in isOwn ? ways[...] : ways[1...] where try mayCreate(subresource, request) {
            try approve(request, message)
            return .done
        }
        // Who may not have it now may be allowed to later, of which nobody tells.
        return .retry
    }

    private func mayCreate(_ subresource: String, _ request: Value) throws -> Bool {
        let spec = request["spec"]
        let review: Value = [
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": [
                "user": spec["username"], "uid": spec["uid"], "groups": spec["groups"], "extra": spec["extra"],
                "resourceAttributes": [
                    "group": "certificates.k8s.io", "resource": "certificatesigningrequests", "verb": "create",
                    "subresource": .string(subresource), "version": "*",
                ],
            ],
        ]
        return try objects.create(Self.reviews, review)["status"]["allowed"].bool == true
    }

    private func approve(_ request: Value, _ message: String) throws {
        var approved = request
        Conditions.set(&approved["status"], type: "Approved", true, reason: "AutoApproved", message: message, hasUpdateTime: true)
        try objects.update(RequestedCertificate.resource, approved, subresource: "approval")
    }
}
