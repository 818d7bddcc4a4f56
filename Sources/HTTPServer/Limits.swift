/// What a server gives one client at most, each with its reason. Whoever asks for more is refused or cut off; nobody else notices.
public struct Limits: Sendable {
    // MARK: Connections

    /// Of all peers together: what is left of the descriptors when pods, files and watches have theirs. Beyond, the connection that has
    /// waited longest without a request goes.
    public var connections = Descriptors.limit / 4 * 3
    /// Of one address (of one /64 network for IPv6): a node behind which a thousand pods with a few connections each stand stays below.
    /// Beyond, further ones are closed.
    public var connectionsPerAddress = 10_000
    /// Of one address without a request in progress: half open, in their handshake, idle. Beyond, the one that has waited longest goes, so
    /// that whoever opens connections and says nothing costs a bounded number and keeps nobody out, not even others at the same address.
    public var waitingPerAddress = 1000

    // MARK: Time

    /// For a TLS handshake, which takes two round trips.
    public var handshake: Duration = .seconds(10)
    /// From a connection's start, or from the first byte of a further request, until the head is whole: clients send it in one piece.
    public var head: Duration = .seconds(10)
    /// Without a piece of a request's body that the server is ready to take.
    public var bodyPause: Duration = .seconds(15)
    /// For a request's whole body. The largest takes this long at 50 KB a second.
    public var body: Duration = .seconds(60)
    /// Without a request. Clients keep a connection for about as long.
    public var idle: Duration = .seconds(90)
    /// Without taking any of what is sent: a client that stopped for so long is dead or means harm. A log or a terminal, which people
    /// stop to read, may pause for longer.
    public var stall: Duration = .seconds(60)

    // MARK: Size

    /// A request's line and fields. Tokens of large companies come to 30 KB; a selector or a command in a URL stays below as well.
    public var headSize = 128 << 10
    /// The fields of a request's head.
    public var headFields = 256
    /// What follows the question mark, by number: `command` comes once for each word.
    public var parameters = 1000
    /// A request's body: upstream's bound, twice of the largest object that may be stored.
    public var bodySize = 3 << 20

    // MARK: HTTP/2

    /// Streams of one connection at a time; clients open another connection for more.
    public var streams = 250
    /// Streams that a client ends by a reset, in `window`. Informers that stop end their watches so, all at once.
    public var resets = 2000
    /// PING, SETTINGS, PRIORITY in `window`. Clients in Go send a PING with most of what they receive, to measure the bandwidth.
    public var controlFrames = 20_000
    /// Pieces that one head comes in: `headSize` fits in, frame by frame of the smallest size that clients choose.
    public var continuations = 9
    public var window: Duration = .seconds(30)

    // MARK: Requests

    /// In progress that only read and end by themselves, of all users together; 0 for no bound. With priority and fairness, these and those
    /// that write are the seats of all priority levels.
    public var reads = 400
    /// In progress that write. Each may hold a body.
    public var writes = 200
    /// Of one user that last: watches, logs, terminals, proxied ones. The service proxies of ten thousand nodes are one user.
    public var lastingPerUser = 50_000
    /// Requirements of a selector: each is compared with each object of a collection.
    public var requirements = 500

    public init() {}
}
