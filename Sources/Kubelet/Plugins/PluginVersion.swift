import APIModel

/// A version as plugins write it: `1.5.0`, `v1.2`.
struct PluginVersion: Comparable, Sendable, CustomStringConvertible {
    let description: String
    private let parts: [Whole]

    /// `nil` when it does not begin with a number. What follows the numbers is left aside. Upstream: `version.ParseGeneric`.
    init?(_ text: String) {
        let number = text.drop { $0 == " " }.drop { $0 == "v" }.prefix { $0.isNumber || $0 == "." }
        let parts = number.split(separator: ".").compactMap { Whole($0) }
        guard !parts.isEmpty, number.first != "." else { return nil }
        self.parts = parts
        description = parts.map(String.init).joined(separator: ".")
    }

    var major: Whole { parts[0] }

    static func < (a: PluginVersion, b: PluginVersion) -> Bool {
        for index in 0..<max(a.parts.count, b.parts.count) {
            let (left, right) = (index < a.parts.count ? a.parts[index] : 0, index < b.parts.count ? b.parts[index] : 0)
            if left != right { return left < right }
        }
        return false
    }

    static func == (a: PluginVersion, b: PluginVersion) -> Bool { !(a < b) && !(b < a) }

    /// The highest that a kubelet can talk: of the first line, as the second may be anything. Upstream: `HighestSupportedVersion`.
    static func highest(of texts: [String]) -> PluginVersion? {
        texts.compactMap(PluginVersion.init).filter { $0.major == 1 }.max()
    }
}
