import APIModel

/// Whom `ImagePolicyWebhook` asks, and for how long it believes the answers.
struct ImagePolicySettings: Sendable {
    var kubeConfigFile: String
    /// Zero: not at all.
    var allowTTL: Duration
    var denyTTL: Duration
    /// After the first attempt.
    var retryBackoff: Duration
    /// Whether pods may run that nobody could be asked about.
    var defaultAllow: Bool

    /// - Throws: `ConfigurationProblem`.
    init(_ fields: ConfigurationFields) throws {
        kubeConfigFile = try fields.required("kubeConfigFile")
        let (second, halfAnHour) = (Duration.seconds(1), Duration.seconds(1800))
        allowTTL = try Self.duration("allowTTL", fields, unit: second, most: halfAnHour, default: .seconds(300))
        denyTTL = try Self.duration("denyTTL", fields, unit: second, most: halfAnHour, default: .seconds(30))
        retryBackoff = try Self.duration(
            "retryBackoff", fields, unit: .milliseconds(1), most: .seconds(300), default: .milliseconds(500))
        defaultAllow = try fields.bool("defaultAllow") ?? false
    }

    /// A number of units; 0 or none is the default, -1 is no time at all.
    private static func duration(
        _ name: String, _ fields: ConfigurationFields, unit: Duration, most: Duration, default: Duration
    ) throws -> Duration {
        let number = try fields.whole(name) ?? 0
        if number == 0 { return `default` }
        if number == -1 { return .zero }
        guard number > 0, number <= Whole(Int64(most / unit)) else {
            throw fields.problem(name, "valid value is between 1 and \(Int64(most / unit)), got \(number)")
        }
        return unit * Int(number)
    }
}
