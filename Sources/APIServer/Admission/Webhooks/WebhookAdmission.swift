import APIModel
import Logging

/// What both kinds of webhooks share: who is to be asked about a request.
struct Webhooks: Sendable {
    private let configurations: CompiledObjects<[Webhook]>
    let client: WebhookClient
    let type: String

    /// Nobody is asked about these: a configuration that shuts everything out must be possible to take back.
    private static let exempt: Set = [
        "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "validatingadmissionpolicies",
        "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
    ]

    static func concerns(_ collection: String) -> Bool {
        !collection.hasPrefix("admissionregistration.k8s.io/") || !exempt.contains(String(collection.drop { $0 != "/" }.dropFirst()))
    }

    /// - Parameter type: for metrics.
    init(_ resource: String, type: String, _ client: WebhookClient) {
        configurations = CompiledObjects("admissionregistration.k8s.io/\(resource)") { Webhook.all(of: $0, type: type) }
        self.type = type
        self.client = client
    }

    func all(_ registry: Registry) -> [Webhook] { configurations.all(registry.store).flatMap { $0 } }

    /// Asks, and keeps what the webhook has to say beside its answer. Returns the patch that it wants, `.null` for none.
    func ask(_ webhook: Webhook, isMutating: Bool, _ shown: AdmissionCriteria.Shown, _ request: AdmissionRequest, as storage: Storage)
        async throws(WebhookFailure) -> Value
    {
        if request.context.isDryRun, webhook.hasSideEffects {
            throw .broken(.badRequest("admission webhook \(FieldError.quoted(webhook.name)) does not support dry run"))
        }
        let review = try WebhookReview(webhook, isMutating: isMutating, shown, request, as: storage)
        let answer = try await client.ask(review, request.registry)
        for (key, value) in answer.annotations { request.context.annotate("\(webhook.name)/\(key)", value) }
        for warning in answer.warnings { request.context.warn(warning) }
        if let refusal = answer.refusal { throw .rejected(refusal) }
        return answer.patch
    }

    /// Counts a failure. Returns why the webhook could not be asked when that is no reason to refuse the request.
    func passesOver(_ failure: WebhookFailure, of webhook: Webhook, _ call: WebhookMetrics.Call, _ request: AdmissionRequest) -> String? {
        var why: String?
        if case .notCalled(let reason) = failure, !webhook.criteria.failsClosed { why = reason }
        request.registry.admissionMetrics.webhooks.failed(call, failure, isPassedOver: why != nil)
        return why
    }
}

/// Asks the webhooks of MutatingWebhookConfigurations, one after another, and makes the changes they want.
struct MutatingWebhooks: MutatingMember {
    static let name = "MutatingAdmissionWebhook"
    var name: String { Self.name }
    let webhooks: Webhooks

    init(_ client: WebhookClient) { webhooks = Webhooks("mutatingwebhookconfigurations", type: "admit", client) }

    func concerns(collection: String) -> Bool { Webhooks.concerns(collection) }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        let all = webhooks.all(request.registry)
        guard !all.isEmpty else { return }
        request.reinvocation.enter(name, object)
        for (index, webhook) in all.enumerated() {
            guard let (storage, shown) = try await webhook.criteria.asked(object, request),
                request.reinvocation.asks(webhook.id, of: name)
            else { continue }
            let place = "round_\(request.reinvocation.round)_index_\(index)"
            var hasChanged = false
            defer { Self.annotate(webhook, place, hasChanged, request) }
            let call = WebhookMetrics.Call(name: webhook.name, type: webhooks.type, operation: request.operation)
            do throws(WebhookFailure) {
                let patch = try await webhooks.ask(webhook, isMutating: true, shown, request, as: storage)
                if !patch.isNull {
                    Self.annotate(webhook, place, patch, request)
                    hasChanged = try await Self.apply(patch, of: webhook, to: &object, shown.object, request, as: storage)
                    if hasChanged { request.reinvocation.noteChange(by: name) }
                }
                request.registry.admissionMetrics.webhooks.allowed(call)
            } catch {
                guard let why = webhooks.passesOver(error, of: webhook, call, request), !Task.isCancelled else { throw error.error }
                request.context.annotate("failed-open.mutation.webhook.admission.k8s.io/\(place)", webhook.name)
                request.registry.log.warning("failing open", metadata: ["webhook": "\(webhook.name)", "error": "\(why)"])
            }
            if webhook.isReinvoked { request.reinvocation.noteAsked(webhook.id, of: name) }
        }
        request.reinvocation.leave(name, object)
    }

    /// Tells the audit log whether the webhook changed anything.
    private static func annotate(_ webhook: Webhook, _ place: String, _ hasChanged: Bool, _ request: AdmissionRequest) {
        let note: Value = [
            "configuration": .string(webhook.configuration), "webhook": .string(webhook.name), "mutated": .bool(hasChanged),
        ]
        request.context.annotate("mutation.webhook.admission.k8s.io/\(place)", String(decoding: JSON.encode(note), as: UTF8.self))
    }

    /// Tells it what the webhook wants changed, where objects are written down.
    private static func annotate(_ webhook: Webhook, _ place: String, _ patch: Value, _ request: AdmissionRequest) {
        let note: Value = [
            "configuration": .string(webhook.configuration), "webhook": .string(webhook.name), "patch": patch, "patchType": "JSONPatch",
        ]
        request.context.annotate(
            "patch.webhook.admission.k8s.io/\(place)", String(decoding: JSON.encode(note), as: UTF8.self), since: .request)
    }

    /// Returns whether anything changed.
    private static func apply(
        _ patch: Value, of webhook: Webhook, to object: inout Value, _ shown: Value, _ request: AdmissionRequest, as storage: Storage
    ) async throws(WebhookFailure) -> Bool {
        guard !object.isNull else {
            throw .broken(
                .internalError(
                    "admission webhook \(FieldError.quoted(webhook.name)) attempted to modify the object, which is not supported for this operation"
                ))
        }
        let changed: Value
        do {
            changed = try await request.taken(try Patch.apply(patch.elements, to: shown), for: object, as: storage)
        } catch {
            throw .broken(.internalError("\(error)"))
        }
        defer { object = changed }
        return changed != object
    }
}

/// Asks the webhooks of ValidatingWebhookConfigurations, all at once.
struct ValidatingWebhooks: ValidatingMember {
    static let name = "ValidatingAdmissionWebhook"
    var name: String { Self.name }
    let webhooks: Webhooks

    init(_ client: WebhookClient) { webhooks = Webhooks("validatingwebhookconfigurations", type: "validating", client) }

    func concerns(collection: String) -> Bool { Webhooks.concerns(collection) }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        var asked: [(Webhook, Storage, AdmissionCriteria.Shown)] = []
        for webhook in webhooks.all(request.registry) {
            if let (storage, shown) = try await webhook.criteria.asked(object, request) { asked.append((webhook, storage, shown)) }
        }
        guard !asked.isEmpty else { return nil }
        let refusals = await withTaskGroup(of: (Int, APIError)?.self) { group in
            for (index, (webhook, storage, shown)) in asked.enumerated() {
                group.addTask {
                    let call = WebhookMetrics.Call(name: webhook.name, type: webhooks.type, operation: request.operation)
                    do throws(WebhookFailure) {
                        _ = try await webhooks.ask(webhook, isMutating: false, shown, request, as: storage)
                        request.registry.admissionMetrics.webhooks.allowed(call)
                        return nil
                    } catch {
                        guard let why = webhooks.passesOver(error, of: webhook, call, request) else { return (index, error.error) }
                        request.context.annotate("failed-open.validating.webhook.admission.k8s.io/round_0_index_\(index)", webhook.name)
                        request.registry.log.warning("failing open", metadata: ["webhook": "\(webhook.name)", "error": "\(why)"])
                        return nil
                    }
                }
            }
            return await group.reduce(into: [(Int, APIError)]()) { if let refusal = $1 { $0.append(refusal) } }
        }
        if let first = refusals.min(by: { $0.0 < $1.0 }) { throw first.1 }
        return nil
    }
}
