import APIModel

/// One webhook of a configuration, read once.
struct Webhook: Sendable {
    let name: String
    /// Of the configuration that it is in.
    let configuration: String
    /// Among all webhooks, for reinvocation.
    let id: String
    let criteria: AdmissionCriteria
    let endpoint: WebhookEndpoint
    let hasSideEffects: Bool
    let isReinvoked: Bool
    /// The first version of AdmissionReview it takes that there is.
    let version: String?

    /// All webhooks of a configuration.
    /// - Parameter type: for metrics.
    static func all(of configuration: Value, type: String) -> [Webhook] {
        let name = configuration["metadata"]["name"].string ?? ""
        return configuration["webhooks"].elements.enumerated().map { Webhook($1, of: name, id: "\(name)/\($0)", type: type) }
    }

    private init(_ webhook: Value, of configuration: String, id: String, type: String) {
        name = webhook["name"].string ?? ""
        self.configuration = configuration
        self.id = "\(id)/\(name)"
        criteria = AdmissionCriteria(
            webhook, failsClosed: webhook["failurePolicy"].string != "Ignore", owner: .init(name: name, kind: "webhook", type: type))
        endpoint = WebhookEndpoint(webhook["clientConfig"], timeout: webhook["timeoutSeconds"].int ?? 10)
        hasSideEffects = !["None", "NoneOnDryRun"].contains(webhook["sideEffects"].string)
        isReinvoked = webhook["reinvocationPolicy"].string == "IfNeeded"
        version = webhook["admissionReviewVersions"].elements.compactMap(\.string).first { $0 == "v1" || $0 == "v1beta1" }
    }
}

/// Why a webhook did not let a request through.
enum WebhookFailure: Error {
    /// It said no.
    case rejected(APIError)
    /// It cannot be asked for what is about to be done, or what it answered cannot be done, whatever the failure policy.
    case broken(APIError)
    /// It could not be asked, or gave no answer that is one: the failure policy decides.
    case notCalled(String)

    static func notCalled(_ webhook: Webhook, _ reason: String) -> WebhookFailure {
        .notCalled("failed calling webhook \(FieldError.quoted(webhook.name)): \(reason)")
    }

    /// What the client gets when the failure policy is to fail.
    var error: APIError {
        switch self {
        case .rejected(let error), .broken(let error): error
        case .notCalled(let reason): .internalError(reason)
        }
    }
}
