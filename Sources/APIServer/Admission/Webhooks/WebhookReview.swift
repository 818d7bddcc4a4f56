import APIModel
import OrderedCollections

/// An AdmissionReview on its way to a webhook and back.
struct WebhookReview: Sendable {
    let webhook: Webhook
    let isMutating: Bool
    let uid = UniqueID.make()
    let version: String
    let request: Value

    /// - Parameter shown: the object and the old one as `storage` shows them; `.null` where there is none.
    init(
        _ webhook: Webhook, isMutating: Bool, _ shown: (object: Value, old: Value), _ request: AdmissionRequest, as storage: Storage
    ) throws(WebhookFailure) {
        guard let version = webhook.version else {
            throw .notCalled(
                webhook, "could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)")
        }
        self.webhook = webhook
        self.isMutating = isMutating
        self.version = version
        var review = request.review(storage)
        // Both are always there, as null where there is none.
        review.fields["object"] = shown.object
        review.fields["oldObject"] = shown.old
        self.request = review
    }

    var body: [UInt8] {
        var request = request
        request["uid"] = .string(uid)
        return JSON.encode(["kind": "AdmissionReview", "apiVersion": .string("admission.k8s.io/\(version)"), "request": request])
    }

    /// What a webhook allowed, with what it wants changed: a JSON patch, `.null` for none.
    struct Answer {
        var patch: Value = .null
        var warnings: [String]
        var annotations: [String: String]
        /// `nil` when it allowed the request.
        var refusal: APIError?
    }

    /// - Throws: for what is no answer to this review.
    func answer(_ body: [UInt8]) throws(WebhookFailure) -> Answer {
        guard let review = try? JSON.decode(body) else { throw .notCalled(webhook, "failed to call webhook: the answer is no JSON") }
        func invalid(_ why: String) -> WebhookFailure { .notCalled(webhook, "received invalid webhook response: \(why)") }
        let response = review["response"]
        guard case .object = response else { throw invalid("webhook response was absent") }
        if version == "v1" {
            let told = response["uid"].string ?? ""
            guard told == uid else {
                throw invalid("expected response.uid=\(FieldError.quoted(uid)), got \(FieldError.quoted(told))")
            }
            let (group, kind) = (review["apiVersion"].string ?? "", review["kind"].string ?? "")
            guard group == "admission.k8s.io/v1", kind == "AdmissionReview" else {
                throw invalid("expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got \(group), Kind=\(kind)")
            }
        }
        var answer = Answer(
            warnings: response["warnings"].elements.compactMap(\.string).filter { !$0.isEmpty },
            annotations: response["auditAnnotations"].strings)
        answer.patch = try patch(response, invalid)
        if response["allowed"].bool != true { answer.refusal = refusal(response["status"]) }
        return answer
    }

    private func patch(_ response: Value, _ invalid: (String) -> WebhookFailure) throws(WebhookFailure) -> Value {
        let (text, type) = (response["patch"].string ?? "", response["patchType"])
        guard isMutating else {
            guard version != "v1" || text.isEmpty else { throw invalid("validating webhook may not return response.patch") }
            guard version != "v1" || type.isNull else { throw invalid("validating webhook may not return response.patchType") }
            return .null
        }
        if version == "v1" {
            if !text.isEmpty, type.isNull { throw invalid("webhook returned response.patch but not response.patchType") }
            if text.isEmpty, !type.isNull { throw invalid("webhook returned response.patchType but not response.patch") }
            if type.string == "" { throw invalid("webhook returned invalid response.patchType of \"\"") }
        }
        if text.isEmpty { return .null }
        let patch: Value
        do {
            guard let bytes = Base64.decode(text) else { throw ConfigurationProblem("illegal base64 data") }
            patch = try JSON.decode(bytes)
        } catch {
            throw .notCalled(webhook, "received undecodable patch in webhook response: \(error)")
        }
        guard case .array(let operations) = patch else {
            throw .notCalled(webhook, "received undecodable patch in webhook response: it is no list")
        }
        if operations.isEmpty { return .null }
        if version == "v1", let name = type.string, name != "JSONPatch" {
            throw .notCalled(webhook, "unsupported patch type \(FieldError.quoted(name))")
        }
        return patch
    }

    private func refusal(_ status: Value) -> APIError {
        let denied = "admission webhook \(FieldError.quoted(webhook.name)) denied the request"
        let explanation = [status["message"], status["reason"]].compactMap(\.string).first { !$0.isEmpty }
        let code = status["code"].int.map { Int($0) } ?? 0
        return APIError(
            code: (400...599).contains(code) ? code : 400, reason: APIError.Reason(rawValue: status["reason"].string ?? ""),
            message: explanation.map { "\(denied): \($0)" } ?? "\(denied) without explanation", details: status["details"])
    }
}
