import APIModel
import Client
import Logging
import Store

/// What both members for admission plugins share: who is asked about a request, and what becomes of the answers.
struct PluginAdmission: Sendable {
    /// The member's name.
    let member: String
    let phase: AdmissionPhase
    let reviewers: PluginReviewerCache

    /// Beside what no webhook is asked about, plugins are not asked about themselves: one that refuses everything must be possible to take
    /// back.
    static func concerns(_ collection: String) -> Bool { collection != "plugins.apus.dev/plugins" && Webhooks.concerns(collection) }

    /// One plugin's answer.
    struct Reviewed {
        let plugin: any AdmissionReviewer
        let verdict: AdmissionAnswer.Verdict
        /// What it was asked about.
        let storage: Storage
        let shown: Value
    }

    /// Asks all that the request concerns, one after the other. A plugin that is swapped meanwhile is asked in its new version, and one that
    /// takes another's place in that one's.
    ///
    /// - Parameters:
    ///   - object: what `heard` has changed is what the next one is asked about.
    ///   - heard: gets each answer that is neither `gone` nor a failure that is passed over.
    /// - Throws: what `heard` throws, and for a failure that is not passed over.
    func ask(
        _ object: inout Value, _ request: AdmissionRequest, heard: (inout Value, Reviewed) async throws -> Void
    ) async throws {
        guard var all = reviewers.current else { return }
        var questions = AdmissionQuestions(request)
        var asked: Set<String> = []
        search: while true {
            for reviewer in all.active where !asked.contains(reviewer.plugin.name) && reviewer.plugin.takesPart(in: phase) {
                let plugin = reviewer.plugin
                guard let (storage, shown) = try await reviewer.criteria.asked(object, request),
                    isAskedNow(plugin, request)
                else { continue }
                let question = questions.question(shown, storage)
                let answer = await plugin.review(phase, question)
                if answer.verdict == .gone, let newest = reviewers.current, newest !== all {
                    all = newest
                    continue search
                }
                asked.insert(plugin.name)
                tell(answer, of: plugin, request)
                for shadow in all.shadows where shadow.plugin.replaces == plugin.name {
                    await observe(shadow, object, request, &questions, answer)
                }
                switch answer.verdict {
                case .gone where reviewers.current == nil: break
                case .gone: try pass("the plugin was stopped", plugin, reviewer.criteria, request)
                case .failed(let why): try pass(why, plugin, reviewer.criteria, request)
                case .allowed, .denied:
                    let before = object
                    try await heard(
                        &object, Reviewed(plugin: plugin, verdict: answer.verdict, storage: storage, shown: shown.object))
                    if object != before { questions.forget() }
                }
                if phase == .mutate, plugin.specification.isReinvoked { request.reinvocation.noteAsked(plugin.name, of: member) }
            }
            break
        }
        for shadow in all.shadows where !(shadow.plugin.replaces.map(asked.contains) ?? false) {
            await observe(shadow, object, request, &questions, AdmissionAnswer(.allowed(.none)))
        }
    }

    /// Whether it is asked in this round: of those that refuse, everybody is.
    private func isAskedNow(_ plugin: any AdmissionReviewer, _ request: AdmissionRequest) -> Bool {
        phase == .validate || request.reinvocation.asks(plugin.name, of: member)
    }

    /// Lets a candidate see what the one it would replace was asked about.
    private func observe(
        _ shadow: PluginReviewers.Shadow, _ object: Value, _ request: AdmissionRequest, _ questions: inout AdmissionQuestions,
        _ active: AdmissionAnswer
    ) async {
        guard shadow.plugin.takesPart(in: phase), let (storage, shown) = try? await shadow.criteria.asked(object, request) else { return }
        shadow.plugin.observe(phase, questions.question(shown, storage), active: active)
    }

    private func tell(_ answer: AdmissionAnswer, of plugin: any AdmissionReviewer, _ request: AdmissionRequest) {
        for annotation in answer.annotations { request.context.annotate("\(plugin.name)/\(annotation.key)", annotation.value) }
        for warning in answer.warnings { request.context.warn(warning) }
    }

    /// A plugin that could not be asked: passed over, or else the request is refused.
    private func pass(_ why: String, _ plugin: any AdmissionReviewer, _ criteria: AdmissionCriteria, _ request: AdmissionRequest) throws {
        let failure = "failed calling admission plugin \(FieldError.quoted(plugin.name)): \(why)"
        guard !criteria.failsClosed, !Task.isCancelled else { throw APIError.internalError(failure) }
        request.context.annotate("failed-open.\(phase.rawValue.lowercased()).admission.plugins.apus.dev/\(plugin.name)", why)
        request.registry.log.warning("failing open", metadata: ["plugin": "\(plugin.name)", "error": "\(why)"])
    }

    /// What the client is told of a denial.
    static func refusal(of plugin: String, code: Int, _ reason: String) -> APIError {
        let denied = "admission plugin \(FieldError.quoted(plugin)) denied the request"
        return APIError(
            code: code, reason: reasons[code] ?? .unknown,
            message: reason.isEmpty ? "\(denied) without explanation" : "\(denied): \(reason)")
    }

    private static let reasons: [Int: APIError.Reason] = [
        400: .badRequest, 401: .unauthorized, 403: .forbidden, 404: .notFound, 409: .conflict, 422: .invalid, 429: .tooManyRequests,
        503: .serviceUnavailable,
    ]
}
