import APIModel
import Logging

/// What both kinds of webhooks share: who is to be asked about a request.
struct Webhooks: Sendable {
    private let configurations: CompiledObjects<[Webhook]>
    let client: WebhookClient

    /// Nobody is asked about these: a configuration that shuts everything out must be possible to take back.
    private static let exempt: Set = [
        "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "validatingadmissionpolicies",
        "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
    ]

    static func concerns(_ collection: String) -> Bool {
        !collection.hasPrefix("admissionregistration.k8s.io/") || !exempt.contains(String(collection.drop { $0 != "/" }.dropFirst()))
    }

    init(_ resource: String, _ client: WebhookClient) {
        configurations = CompiledObjects("admissionregistration.k8s.io/\(resource)") { Webhook.all(of: $0) }
        self.client = client
    }

    func all(_ registry: Registry) -> [Webhook] { configurations.all(registry.store).flatMap { $0 } }

    /// Asks, and keeps what the webhook has to say beside its answer. Returns the patch that it wants, `.null` for none.
    func ask(_ webhook: Webhook, isMutating: Bool, _ shown: AdmissionCriteria.Shown, _ request: AdmissionRequest, as storage: Storage)
        async throws(WebhookFailure) -> Value
    {
        if request.context.isDryRun, webhook.hasSideEffects {
            throw .rejected(.badRequest("admission webhook \(FieldError.quoted(webhook.name)) does not support dry run"))
        }
        let review = try WebhookReview(webhook, isMutating: isMutating, shown, request, as: storage)
        let answer = try await client.ask(review, request.registry)
        for (key, value) in answer.annotations { request.context.annotate("\(webhook.name)/\(key)", value) }
        for warning in answer.warnings { request.context.warn(warning) }
        if let refusal = answer.refusal { throw .rejected(refusal) }
        return answer.patch
    }
}

/// Asks the webhooks of MutatingWebhookConfigurations, one after another, and makes the changes they want.
struct MutatingWebhooks: AdmissionMember {
    let name = "MutatingAdmissionWebhook"
    let webhooks: Webhooks

    init(_ client: WebhookClient) { webhooks = Webhooks("mutatingwebhookconfigurations", client) }

    func concerns(collection: String) -> Bool { Webhooks.concerns(collection) }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        let all = webhooks.all(request.registry)
        guard !all.isEmpty else { return }
        request.reinvocation.enter(name, object)
        for (index, webhook) in all.enumerated() {
            guard let (storage, shown) = try await webhook.criteria.asked(object, request),
                request.reinvocation.asks(webhook.id, of: name)
            else { continue }
            do throws(WebhookFailure) {
                let patch = try await webhooks.ask(webhook, isMutating: true, shown, request, as: storage)
                if !patch.isNull, try await Self.apply(patch, of: webhook, to: &object, shown.object, request, as: storage) {
                    request.reinvocation.noteChange(by: name)
                }
            } catch {
                guard case .notCalled(let why) = error, !webhook.criteria.failsClosed, !Task.isCancelled else { throw error.error }
                request.context.annotate("failed-open.mutation.webhook.admission.k8s.io/round_0_index_\(index)", webhook.name)
                request.registry.log.warning("failing open", metadata: ["webhook": "\(webhook.name)", "error": "\(why)"])
            }
            if webhook.isReinvoked { request.reinvocation.noteAsked(webhook.id, of: name) }
        }
        request.reinvocation.leave(name, object)
    }

    /// Returns whether anything changed.
    private static func apply(
        _ patch: Value, of webhook: Webhook, to object: inout Value, _ shown: Value, _ request: AdmissionRequest, as storage: Storage
    ) async throws(WebhookFailure) -> Bool {
        guard !object.isNull else {
            throw .rejected(
                .internalError(
                    "admission webhook \(FieldError.quoted(webhook.name)) attempted to modify the object, which is not supported for this operation"
                ))
        }
        let changed: Value
        do {
            changed = try await request.taken(try Patch.apply(patch.elements, to: shown), for: object, as: storage)
        } catch {
            throw .rejected(.internalError("\(error)"))
        }
        defer { object = changed }
        return changed != object
    }
}

/// Asks the webhooks of ValidatingWebhookConfigurations, all at once.
struct ValidatingWebhooks: AdmissionMember {
    let name = "ValidatingAdmissionWebhook"
    let webhooks: Webhooks

    init(_ client: WebhookClient) { webhooks = Webhooks("validatingwebhookconfigurations", client) }

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
                    do throws(WebhookFailure) {
                        _ = try await webhooks.ask(webhook, isMutating: false, shown, request, as: storage)
                        return nil
                    } catch {
                        guard case .notCalled(let why) = error, !webhook.criteria.failsClosed else { return (index, error.error) }
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
