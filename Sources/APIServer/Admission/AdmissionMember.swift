import APIModel

/// One rule about what may be done, beside what every object of the kind must be: a member of the chain that each create, update, delete
/// and connect goes through, whoever asks.
///
/// All members may change the object first, in the order of the chain; then it is completed and checked; then all may refuse it. Every
/// method runs on the writer's task, possibly several times for one write when others write in between.
protocol AdmissionMember: Sendable {
    /// Upstream's name for it, by which it is switched on and off.
    var name: String { get }

    /// Whether it has anything to say of the objects of a collection (`/pods`). Asked once for each snapshot of kinds.
    func concerns(collection: String) -> Bool
}

/// One that is asked before the object is completed and checked.
protocol MutatingMember: AdmissionMember {
    /// May change the object, which is in the storage version; `.null` for a delete.
    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws
}

/// One that is asked afterwards.
protocol ValidatingMember: AdmissionMember {
    /// May refuse the object as it will be written. Returns what must learn how it ended, if anything: it is called once, after the commit,
    /// after a refusal by somebody else, or after a failure.
    /// - Throws: `WrittenInBetween` to have the object admitted anew: when it lost to another write what it had chosen, or has come to know
    ///   what it changes.
    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement?
}

typealias Settlement = @Sendable (Outcome) async -> Void

/// What became of a write that the members have let through.
enum Outcome: Sendable {
    /// The object that they saw is the newest state.
    case committed
    /// Nothing was written.
    case dropped
    /// The object is gone.
    case removed
}

/// What the members of the chain are asked about.
struct AdmissionRequest: Sendable {
    enum Operation: String, Sendable {
        case create = "CREATE"
        case update = "UPDATE"
        case delete = "DELETE"
        case connect = "CONNECT"
    }

    var operation: Operation
    var target: Target
    /// What is there; nil for a create and a connect.
    var old: Value?
    var context: WriteContext
    /// Whether the members that may change the object are to be asked again.
    var reinvocation = Reinvocation()

    var user: UserInfo { context.user }
    var registry: Registry { context.registry }
    /// Whether it is about the object itself, not about a subresource.
    var isOfObject: Bool { target.subresource.isEmpty }
}

extension APIError {
    /// What upstream's members refuse without a status of their own: its server takes it for a fault.
    static func unclassified(_ message: String) -> APIError { APIError(code: 500, reason: .unknown, message: message) }
}
