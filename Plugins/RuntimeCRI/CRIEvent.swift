/// `ContainerEventResponse`: a container came, started, stopped or went.
struct CRIEvent {
    let sandbox: String
    let container: String
    private let type: UInt64

    init(_ message: [UInt8]) {
        container = WireFields.string(1, in: message)
        type = WireFields.number(2, in: message)
        sandbox = WireFields.string(1, in: WireFields.bytes(4, in: message))
    }

    /// CONTAINER_STOPPED_EVENT or CONTAINER_DELETED_EVENT.
    var isEnd: Bool { type >= 2 }
}
