internal import APIModel
internal import ArgumentParser
internal import OrderedCollections

/// When Nodes that are not ready lose their Pods. What is not given, the plugin's manifest decides.
struct NodeLifecycleOptions: ParsableArguments {
    @Option(help: "How long a Node may be silent before it is marked unknown. Default: 50s.")
    var nodeMonitorGracePeriod: String?

    @Option(help: "How long a Node may be silent that has never said anything. Default: 1m0s.")
    var nodeStartupGracePeriod: String?

    @Option(help: "How often a Node that is not ready is looked at. Default: 5s.")
    var nodeMonitorPeriod: String?

    @Option(help: "How many Nodes a second lose their Pods in a zone that is healthy. Default: 0.1.")
    var nodeEvictionRate: Double?

    @Option(help: "How many in a zone that is not; none in one of --large-cluster-size-threshold Nodes or fewer. Default: 0.01.")
    var secondaryNodeEvictionRate: Double?

    @Option(help: "The number of Nodes up to which a zone is small. Default: 50.")
    var largeClusterSizeThreshold: Int?

    @Option(help: "The part of a zone's Nodes that makes it unhealthy when they are not ready, three at least. Default: 0.55.")
    var unhealthyZoneThreshold: Double?

    /// What the plugin is configured with; `nil` where nothing is given.
    /// - Throws: `ValidationError` for what is no duration.
    func config() throws -> Value? {
        let config: Value = [
            "nodeMonitorGracePeriodSeconds": try seconds(nodeMonitorGracePeriod, "--node-monitor-grace-period"),
            "nodeStartupGracePeriodSeconds": try seconds(nodeStartupGracePeriod, "--node-startup-grace-period"),
            "nodeMonitorPeriodSeconds": try seconds(nodeMonitorPeriod, "--node-monitor-period"),
            "nodeEvictionRate": nodeEvictionRate.map(Value.double) ?? .null,
            "secondaryNodeEvictionRate": secondaryNodeEvictionRate.map(Value.double) ?? .null,
            "largeClusterSizeThreshold": largeClusterSizeThreshold.map { Value($0) } ?? .null,
            "unhealthyZoneThreshold": unhealthyZoneThreshold.map(Value.double) ?? .null,
        ]
        return config.fields.isEmpty ? nil : config
    }

    private func seconds(_ text: String?, _ flag: String) throws -> Value {
        guard let text else { return .null }
        guard let seconds = DurationText.seconds(text), seconds > 0 else {
            throw ValidationError("\(flag): \(text) is not a duration such as 50s")
        }
        return .int(seconds)
    }
}
