/// How a WebSocket carries the channels of a command. Upstream: `cri/streaming/remotecommand/websocket.go`.
struct CommandProtocol: Equatable, Sendable {
    /// Messages are text: the channel as a digit, and base64. Otherwise they are bytes, the channel's number first.
    var isText = false
    /// How the command ended is told as a `Status`. Otherwise a sentence is told of what failed, and nothing of what ended well.
    var tellsStatus = true
    /// The end of a channel can be told.
    var closesChannels = false

    /// What a client speaks that names no protocol.
    static let unnamed = CommandProtocol(tellsStatus: false)

    static let named: [String: CommandProtocol] = [
        "v5.channel.k8s.io": CommandProtocol(closesChannels: true),
        "v4.channel.k8s.io": CommandProtocol(),
        "v4.base64.channel.k8s.io": CommandProtocol(isText: true),
        "channel.k8s.io": unnamed,
        "base64.channel.k8s.io": CommandProtocol(isText: true, tellsStatus: false),
    ]
}
