import APIModel
import Client
import Synchronization

/// The admission plugins of one moment, with what each is asked about made ready.
final class PluginReviewers: Sendable {
    struct Reviewer: Sendable {
        let plugin: any AdmissionReviewer
        let criteria: AdmissionCriteria
    }

    struct Shadow: Sendable {
        let plugin: any AdmissionShadow
        let criteria: AdmissionCriteria
    }

    /// Which list of the source's this is.
    let origin: AdmissionReviewers
    let active: [Reviewer]
    let shadows: [Shadow]

    fileprivate init(_ origin: AdmissionReviewers) {
        func criteria(_ specification: AdmissionSpecification) -> AdmissionCriteria {
            AdmissionCriteria(specification.match, failsClosed: specification.failsClosed)
        }
        self.origin = origin
        active = origin.active.map { Reviewer(plugin: $0, criteria: criteria($0.specification)) }
        shadows = origin.shadows.map { Shadow(plugin: $0, criteria: criteria($0.specification)) }
    }
}

/// Gives the newest reviewers, made ready once for each list of the source's.
final class PluginReviewerCache: Sendable {
    private let source: (any AdmissionSource)?
    private let newest = Mutex<PluginReviewers?>(nil)

    init(_ source: (any AdmissionSource)?) { self.source = source }

    /// `nil` when there is nobody to ask.
    var current: PluginReviewers? {
        guard let list = source?.admission, !list.isEmpty else { return nil }
        if let known = newest.withLock({ $0 }), known.origin === list { return known }
        let made = PluginReviewers(list)
        newest.withLock { $0 = made }
        return made
    }
}
