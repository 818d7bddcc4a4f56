internal import APIModel
internal import APIServer
internal import ArgumentParser

/// What the API server gives objects, and for how long. Names are upstream's.
struct ObjectOptions: ParsableArguments {
    @Option(name: .customLong("event-ttl"), help: "How long an event lives after it last happened, as 24h.")
    var eventLifetime = "1h0m0s"

    @Option(
        name: .customLong("service-node-port-range"),
        help: "Where the node ports of Services come from: the first and the last, as 30000-32767.")
    var nodePortRange = "30000-32767"

    @Option(
        name: .customLong("allow-privileged"),
        help:
            "Whether containers may be privileged: always. Where they may not, the label pod-security.kubernetes.io/enforce of a namespace says."
    )
    var allowsPrivileged = true

    func validate() throws {
        _ = try eventSeconds
        _ = try nodePorts
        guard allowsPrivileged else {
            throw ValidationError(
                "--allow-privileged: false is not there; the label pod-security.kubernetes.io/enforce=baseline of a namespace forbids it")
        }
    }

    private var eventSeconds: Whole {
        get throws {
            guard let span = GoDuration.parse(eventLifetime), span >= .seconds(1) else {
                throw ValidationError("--event-ttl: \(eventLifetime) is not a duration of a second or more, as in 1h30m")
            }
            return Whole(span.components.seconds)
        }
    }

    /// `first-last`, or `first+more`, or one.
    private var nodePorts: ClosedRange<Int> {
        get throws {
            let text = nodePortRange
            let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "-" || $0 == "+" }.map { Int($0) }
            let problem = ValidationError("--service-node-port-range: \(text) is not a range of ports, as 30000-32767")
            guard let first = parts[0], let second = parts.count > 1 ? parts[1] : first, (1...65535).contains(first),
                (0...65535).contains(second)
            else { throw problem }
            let last = text.contains("+") ? first + second : second
            guard first <= last, last <= 65535 else { throw problem }
            return first...last
        }
    }

    func apply(to configuration: inout APIServer.Configuration) throws {
        configuration.eventLifetime = try eventSeconds
        configuration.nodePorts = try nodePorts
    }
}
