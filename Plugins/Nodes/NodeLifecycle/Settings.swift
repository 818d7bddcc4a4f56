internal import APIModel
internal import PluginKit

/// What the node life cycle is configured with.
struct Settings: Sendable {
    static let names: Set = [
        "nodeMonitorGracePeriodSeconds", "nodeStartupGracePeriodSeconds", "nodeMonitorPeriodSeconds", "nodeEvictionRate",
        "secondaryNodeEvictionRate", "largeClusterSizeThreshold", "unhealthyZoneThreshold",
    ]

    var grace: Whole = 50
    var startupGrace: Whole = 60
    var period: Whole = 5
    var limits = ZoneBrakes.Limits()

    /// - Throws: for what is not of its type.
    init(_ config: Value) throws {
        func number<T>(_ name: String, _ read: (Value) -> T?, into setting: inout T) throws {
            let value = config[name]
            guard !value.isNull else { return }
            guard let number = read(value) else { throw ComponentError.invalid("config.\(name): must be a number") }
            setting = number
        }
        try number("nodeMonitorGracePeriodSeconds", \.seconds, into: &grace)
        try number("nodeStartupGracePeriodSeconds", \.seconds, into: &startupGrace)
        try number("nodeMonitorPeriodSeconds", \.seconds, into: &period)
        try number("nodeEvictionRate", \.number, into: &limits.evictionRate)
        try number("secondaryNodeEvictionRate", \.number, into: &limits.secondaryEvictionRate)
        try number("largeClusterSizeThreshold", \.int, into: &limits.largeSize)
        try number("unhealthyZoneThreshold", \.number, into: &limits.unhealthyZoneThreshold)
        period = max(1, period)
    }
}
