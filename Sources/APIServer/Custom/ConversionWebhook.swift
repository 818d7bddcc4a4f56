import APIModel

/// The webhook that converts a custom kind's objects between its versions.
struct ConversionWebhook: Sendable {
    private let endpoint: WebhookEndpoint
    /// Of ConversionReview.
    private let versions: [String]

    /// - Parameter webhook: `spec.conversion.webhook` of the definition.
    init(_ webhook: Value) {
        endpoint = WebhookEndpoint(webhook["clientConfig"], timeout: 30)
        versions = webhook["conversionReviewVersions"].elements.compactMap(\.string)
    }

    /// The objects in the wanted version: those that have another are sent, all in one review.
    ///
    /// - Throws: 500, as upstream, when the webhook cannot be asked or gives no answer that is one.
    func convert(_ objects: [Value], to wanted: GroupVersion, _ registry: Registry) async throws -> [Value] {
        let places = objects.indices.filter { objects[$0]["apiVersion"].string != wanted.description }
        guard !places.isEmpty else { return objects }
        do {
            let review = try ConversionReview(places.map { objects[$0] }, to: wanted, versions: versions)
            let answer: [UInt8]
            do throws(WebhookClient.Failure) {
                answer = try await registry.webhooks.post(review.body, to: endpoint, registry)
            } catch {
                throw review.failed(error)
            }
            var converted = objects
            for (place, object) in zip(places, try review.answer(answer)) { converted[place] = object }
            return converted
        } catch let problem as ConversionReview.Problem {
            throw APIError(code: 500, reason: .unknown, message: problem.description)
        }
    }
}
