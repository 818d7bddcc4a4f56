import APIModel
import Client

/// The API, with somebody who hears of each write of a plugin when it is done, and before the plugin does.
struct WitnessedClient: ForwardingClient {
    var base: any Client
    /// Who acts; empty for the host itself, whom nobody looks at.
    var plugin = ""
    let didWrite: @Sendable (_ plugin: String) -> Void

    private static let prefix = "system:plugin:"

    func impersonating(_ user: String, groups: [String]) -> any Client {
        var other = self
        other.base = base.impersonating(user, groups: groups)
        other.plugin = user.hasPrefix(Self.prefix) ? String(user.dropFirst(Self.prefix.count)) : ""
        return other
    }

    func write<Answer: Sendable>(_ write: ForwardedWrite, _ send: () async throws -> Answer) async throws -> Answer {
        let answer = try await send()
        if !plugin.isEmpty { didWrite(plugin) }
        return answer
    }
}
