internal import APIServer
internal import ArgumentParser

/// What answers tell browsers. Names are upstream's.
struct BrowserOptions: ParsableArguments {
    @Option(
        name: .customLong("cors-allowed-origins"),
        help: """
            Whose pages may read answers: regular expressions for the Origin that browsers send, with commas between, which fix where the host \
            begins and ends: //example\\.com(:|$)
            """)
    var origins: [String] = []

    @Option(
        name: .customLong("strict-transport-security-directives"),
        help: "What browsers are told to reach this server by TLS alone, with commas between: max-age=31536000,includeSubDomains,preload")
    var directives: [String] = []

    var policy: BrowserPolicy {
        get throws {
            do {
                return try BrowserPolicy(origins: list(origins), directives: list(directives))
            } catch {
                throw ValidationError("\(error)")
            }
        }
    }

    /// An empty part is a mistake, and not nothing.
    private func list(_ values: [String]) -> [String] {
        values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false).map { String($0) } }
    }

    func validate() throws { _ = try policy }
}
