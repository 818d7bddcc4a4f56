/// What a suite found, check by check, in the order in which they ran.
public struct Report: Sendable {
    public var checks: [(name: String, outcome: Outcome)]

    public enum Outcome: Sendable, Equatable {
        case passed
        /// What was seen, what was promised instead, and what the plugin's author can do.
        case failed(String)
        /// The plugin does not offer what the check is about, or the machine does not allow it to be tried.
        case notOffered(String)
    }

    public init(checks: [(name: String, outcome: Outcome)] = []) { self.checks = checks }

    public var failures: [(name: String, message: String)] {
        checks.compactMap { check in if case .failed(let message) = check.outcome { (check.name, message) } else { nil } }
    }

    /// Whether nothing failed.
    public var isPassed: Bool { failures.isEmpty }

    /// `3 passed, 1 failed, 2 not offered`.
    public var summary: String {
        let notOffered = checks.count { if case .notOffered = $0.outcome { true } else { false } }
        return "\(checks.count - failures.count - notOffered) passed, \(failures.count) failed, \(notOffered) not offered"
    }

    /// One check as a line for people.
    public static func line(_ name: String, _ outcome: Outcome) -> String {
        switch outcome {
        case .passed: "ok   \(name)"
        case .failed(let message): "FAIL \(name): \(message)"
        case .notOffered(let why): "--   \(name): not offered\(why.isEmpty ? "" : ": \(why)")"
        }
    }
}
