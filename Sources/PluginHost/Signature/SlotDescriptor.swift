internal import PluginAPI

/// One slot of a table, or one function of a callback structure, as data.
final class SlotDescriptor: Sendable {
    let name: String
    let arguments: [Shape]
    let result: Result
    let tag: Tag
    /// Whether a table without it is refused.
    let isRequired: Bool
    /// How long a call may take; `nil` means as long as it likes, unless `timeout` says otherwise.
    let deadline: Duration?
    /// Set when a call carries its own timeout.
    let timeout: Timeout?

    enum Result: Sendable, Equatable {
        case void
        /// An `apus_status`. A far side that is lost answers UNAVAILABLE.
        case status
        /// A far side that is lost answers `lost`.
        case int32(lost: Int32)
        /// Never crosses: a far side's pointer means nothing here, so a call across answers null.
        case pointer
    }

    /// The argument at `argument` is the caller's timeout in milliseconds, zero for none; the deadline comes `grace` later.
    struct Timeout: Sendable {
        let argument: Int
        let grace: Duration
    }

    init(_ name: String, _ arguments: [Shape], _ result: Result, _ tag: Tag, isRequired: Bool = true, deadline: Duration? = nil, timeout: Timeout? = nil) {
        self.name = name
        self.arguments = arguments
        self.result = result
        self.tag = tag
        self.isRequired = isRequired
        self.deadline = deadline
        self.timeout = timeout
    }

    /// The limit of one call: `replacement`, which a manifest may give, in place of every deadline that there is.
    /// - Parameter milliseconds: the call's own timeout, for a slot with one.
    func limit(replacement: Duration?, milliseconds: Int64 = 0) -> Duration? {
        if let timeout { return milliseconds > 0 ? replacement ?? (.milliseconds(milliseconds) + timeout.grace) : nil }
        return deadline.map { replacement ?? $0 }
    }
}

extension SlotDescriptor {
    /// What libffi must know of it.
    var signature: Signature { Signature(name, arguments.map(\.type), result.type) }
}

extension Shape {
    /// How the argument itself is passed.
    var type: ArgumentType {
        switch self {
        case .int32: .int32
        case .int64: .int64
        case .bytes: .bytes
        default: .pointer
        }
    }
}

extension SlotDescriptor.Result {
    fileprivate var type: ArgumentType {
        switch self {
        case .void: .void
        case .status, .int32: .int32
        case .pointer: .pointer
        }
    }
}
