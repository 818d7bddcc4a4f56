import APIModel

/// The Pod Security Standards as a table: what is checked, at which level, since which version.
enum PodSecurityStandard {
    /// What a pod does that it may not: in a word, and with the places.
    struct Violation: Sendable, Equatable {
        var reason: String
        var detail: String
    }

    typealias Check = @Sendable (PodSecuritySubject) -> Violation?

    struct Entry: Sendable {
        let id: String
        let level: PodSecurityLevel.Level
        /// By the minor version since which each holds, oldest first.
        let versions: [(since: Int, check: Check)]
        /// The check of the baseline that this one takes the place of.
        var overrides: String?

        fileprivate func check(at minor: Int) -> Check? { versions.last { $0.since <= minor }?.check }
    }

    /// The newest version that changed anything.
    private static let newest = 35
    /// The version of the API that is served.
    static let served = 36

    /// In the order in which violations are told.
    static let entries: [Entry] = baseline + restricted

    /// What is wrong with the pod, check by check.
    static func violations(of pod: PodSecuritySubject, _ level: PodSecurityLevel) -> [Violation] {
        let minor = min(level.minor ?? newest, newest)
        let held = entries.filter { $0.level <= level.level && level.level != .privileged && $0.check(at: minor) != nil }
        let overridden = Set(held.compactMap(\.overrides))
        return held.filter { !overridden.contains($0.id) }.compactMap { $0.check(at: minor)?(pod) }
    }
}

extension [PodSecurityStandard.Violation] {
    /// `privileged (container "a" …), host namespaces (hostPID=true)`
    var details: String { map { $0.detail.isEmpty ? $0.reason : "\($0.reason) (\($0.detail))" }.joined(separator: ", ") }
    var reasons: String { map(\.reason).joined(separator: ", ") }
}

/// A pod, or the template of one.
struct PodSecuritySubject: Sendable {
    let metadata: Value
    let spec: Value

    /// Those that run before, the pod's own, and those put in later.
    var containers: [Value] {
        spec["initContainers"].elements + spec["containers"].elements + spec["ephemeralContainers"].elements
    }

    var isOfWindows: Bool { spec["os"]["name"].string == "windows" }
    /// Root inside is nobody outside.
    var hasOwnUsers: Bool { spec["hostUsers"].bool == false }

    /// The names of the containers of which `isBad` holds.
    func names(where isBad: (Value) -> Bool) -> [String] { containers.filter(isBad).map { $0["name"].string ?? "" } }
}

/// Words of violations.
enum PodSecurityWords {
    static func quoted(_ names: some Sequence<String>) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }

    /// `container "a"`, `containers "a", "b"`
    static func listed(_ word: String, _ names: [String]) -> String { "\(plural(word, names.count)) \(quoted(names))" }

    static func plural(_ word: String, _ count: Int) -> String { count == 1 ? word : "\(word)s" }

    /// `pod and containers "a", "b"`, empty for nobody.
    static func setters(pod: Bool, _ containers: [String]) -> String {
        ((pod ? ["pod"] : []) + (containers.isEmpty ? [] : [listed("container", containers)])).joined(separator: " and ")
    }
}
