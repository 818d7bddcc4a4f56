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
    /// Whether it may call host services that block, in a table whose slots may not.
    let mayBlock: Bool
    /// What libffi calls it with.
    let interface: CallInterface

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

    init(
        _ name: String, _ arguments: [Shape], _ result: Result, _ tag: Tag, isRequired: Bool = true, deadline: Duration? = nil,
        timeout: Timeout? = nil, mayBlock: Bool = false
    ) {
        self.name = name
        self.arguments = arguments
        self.result = result
        self.tag = tag
        self.isRequired = isRequired
        self.deadline = deadline
        self.timeout = timeout
        self.mayBlock = mayBlock
        interface = CallInterface(Signature(name, arguments.map(\.type), result.type))
        precondition(
            arguments.count(where: \.isSink) <= 1 && arguments.count(where: \.isCallbacks) <= 1,
            "\(name) takes more than one sink or structure of callbacks")
    }

    /// The limit of one call: `replacement`, which a manifest may give, in place of every deadline that there is.
    /// - Parameter milliseconds: the call's own timeout, for a slot with one.
    func limit(replacement: Duration?, milliseconds: Int64 = 0) -> Duration? {
        if let timeout { return milliseconds > 0 ? replacement ?? (.milliseconds(milliseconds) + timeout.grace) : nil }
        return deadline.map { replacement ?? $0 }
    }
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

    var isSink: Bool { if case .sink = self { true } else { false } }
    var isCallbacks: Bool { if case .callbacks = self { true } else { false } }
    /// Whether something of it comes back with the answer.
    var isOut: Bool {
        switch self {
        case .newHandle, .sink: true
        case .array(_, _, let direction, _), .number(_, let direction): direction.isOut
        default: false
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
