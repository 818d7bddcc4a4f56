internal import APIModel
internal import OrderedCollections
internal import PluginKit

/// What a manifest may say about the fake runtime.
struct FakeOptions: Sendable {
    /// Addresses of hollow pods.
    var podCIDR = AddressPool.Range("10.200.0.0/14")!
    /// How long a sandbox and a container take to start, together.
    var startLatency = Duration.zero
    var pullLatency = Duration.zero
    /// Images whose name begins with one of these cannot be pulled.
    var missingImages: [String] = []

    init(_ config: Value) throws {
        for (name, value) in config.fields {
            switch name {
            case "podCIDR":
                guard let range = value.string.flatMap(AddressPool.Range.init) else {
                    throw ComponentError.invalid("config.podCIDR must be an IPv4 range such as 10.200.0.0/14")
                }
                podCIDR = range
            case "startMilliseconds": startLatency = try Self.milliseconds(name, value)
            case "pullMilliseconds": pullLatency = try Self.milliseconds(name, value)
            case "missingImages":
                missingImages = value.elements.compactMap(\.string)
                guard missingImages.count == value.elements.count, case .array = value else {
                    throw ComponentError.invalid("config.missingImages must be a list of names")
                }
            default: break
            }
        }
    }

    private static func milliseconds(_ name: String, _ value: Value) throws -> Duration {
        guard let number = value.int, (0...3_600_000).contains(number) else {
            throw ComponentError.invalid("config.\(name) must be a number of milliseconds up to an hour")
        }
        return .milliseconds(number)
    }
}
