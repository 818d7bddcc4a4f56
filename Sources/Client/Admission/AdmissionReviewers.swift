/// An admission plugin that is asked about requests.
public protocol AdmissionReviewer: Sendable {
    /// The plugin's.
    var name: String { get }
    var specification: AdmissionSpecification { get }

    /// Whether it has something to say in that phase.
    func takesPart(in phase: AdmissionPhase) -> Bool

    /// Asks it, within its deadline. Safe from any task; a plugin that is not late is not waited for on another thread.
    func review(_ phase: AdmissionPhase, _ question: AdmissionQuestion) async -> AdmissionAnswer
}

/// A candidate that is asked beside the others and decides nothing.
public protocol AdmissionShadow: Sendable {
    var name: String { get }
    var specification: AdmissionSpecification { get }
    /// The plugin it is compared with; `nil` compares it with letting everything pass as it is.
    var replaces: String? { get }

    func takesPart(in phase: AdmissionPhase) -> Bool

    /// Has it asked, some time later, and notes where its answer differs from `active`. Returns at once.
    func observe(_ phase: AdmissionPhase, _ question: AdmissionQuestion, active: AdmissionAnswer)
}

/// All of one moment. Another list is another object.
public final class AdmissionReviewers: Sendable {
    /// In the order in which they are asked, that of their names.
    public let active: [any AdmissionReviewer]
    public let shadows: [any AdmissionShadow]

    public init(active: [any AdmissionReviewer] = [], shadows: [any AdmissionShadow] = []) {
        self.active = active
        self.shadows = shadows
    }

    public var isEmpty: Bool { active.isEmpty && shadows.isEmpty }
}

/// Where the admission chain gets its plugins from.
public protocol AdmissionSource: Sendable {
    /// Those of this moment. One of them that answers `gone` is not in the list any more that this returns then.
    var admission: AdmissionReviewers { get }
}
