internal import APIServer
internal import ArgumentParser

/// `--authorization-mode`: upstream's names, in the order in which they are asked. What is not supported is refused by name.
enum AuthorizationModes {
    private static let unsupported: Set = ["ABAC", "AlwaysAllow", "AlwaysDeny", "Webhook"]
    private static var known: String { AuthorizationMode.allCases.map(\.rawValue).joined(separator: ", ") }

    static func parse(_ text: String) throws -> [AuthorizationMode] {
        var modes: [AuthorizationMode] = []
        for name in text.split(separator: ",") {
            guard let mode = AuthorizationMode(rawValue: String(name)) else {
                throw ValidationError(
                    unsupported.contains(String(name))
                        ? "--authorization-mode: \(name) is not supported; \(known) are"
                        : "--authorization-mode: \"\(name)\" is not a valid mode; \(known) are")
            }
            guard !modes.contains(mode) else { throw ValidationError("--authorization-mode: \(name) is given more than once") }
            modes.append(mode)
        }
        guard !modes.isEmpty else { throw ValidationError("--authorization-mode: at least one mode must be given") }
        return modes
    }
}
