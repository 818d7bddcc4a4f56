import APIModel

/// How strictly pods are judged: a level of the Pod Security Standards, and by which version of them.
struct PodSecurityLevel: Sendable, Hashable, CustomStringConvertible {
    enum Level: String, Sendable, CaseIterable, Comparable {
        case privileged, baseline, restricted

        static func < (left: Level, right: Level) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }
    }

    var level = Level.privileged
    /// The minor version; `nil` for the newest.
    var minor: Int?

    var description: String { "\(level.rawValue):\(minor.map { "v1.\($0)" } ?? "latest")" }
}

/// What the labels of a namespace say.
struct PodSecurityPolicy: Sendable, Hashable {
    var enforce = PodSecurityLevel()
    var audit = PodSecurityLevel()
    var warn = PodSecurityLevel()

    static let prefix = "pod-security.kubernetes.io/"

    /// Nothing is asked.
    init() {}

    /// Whether nothing is judged at all.
    var isPrivileged: Bool { [enforce, audit, warn].allSatisfy { $0.level == .privileged } }

    /// A label that says nothing known counts as the strictest for what is enforced, and as none for what is only told.
    ///
    /// - Parameters:
    ///   - defaults: what holds where the labels say nothing.
    ///   - errors: gets what is wrong with them.
    init(_ labels: Value, over defaults: PodSecurityPolicy = PodSecurityPolicy(), _ errors: inout [FieldError]) {
        self = defaults
        let isGiven = read(labels, &errors)
        // Who enforces more than is warned of is warned of it, too.
        if isGiven, labels[Self.prefix + "warn"].isNull, warn.level < enforce.level {
            warn.level = enforce.level
            if labels[Self.prefix + "warn-version"].isNull { warn.minor = enforce.minor }
        }
    }

    /// What the labels say, and nothing more.
    init(exactly labels: Value, _ errors: inout [FieldError]) { _ = read(labels, &errors) }

    /// Returns whether there is a level to enforce that is one.
    private mutating func read(_ labels: Value, _ errors: inout [FieldError]) -> Bool {
        let isGiven = Self.read("enforce", labels, &enforce, onError: .restricted, &errors)
        _ = Self.read("audit", labels, &audit, onError: .privileged, &errors)
        _ = Self.read("warn", labels, &warn, onError: .privileged, &errors)
        return isGiven
    }

    /// Returns whether a level is given that is one.
    private static func read(
        _ mode: String, _ labels: Value, _ level: inout PodSecurityLevel, onError: PodSecurityLevel.Level, _ errors: inout [FieldError]
    ) -> Bool {
        let key = prefix + mode
        var isGiven = false
        if let text = labels[key].string {
            isGiven = PodSecurityLevel.Level(rawValue: text) != nil
            level.level = PodSecurityLevel.Level(rawValue: text) ?? onError
            if !isGiven { errors.append(invalid(key, text, "must be one of privileged, baseline, restricted")) }
        }
        if let text = labels[key + "-version"].string, text != "latest" {
            level.minor = minor(text)
            if level.minor == nil { errors.append(invalid(key + "-version", text, "must be \"latest\" or \"v1.x\"")) }
        }
        return isGiven
    }

    private static func minor(_ text: String) -> Int? {
        guard text.hasPrefix("v1."), let minor = Int(text.dropFirst(3)), minor >= 0, String(minor) == text.dropFirst(3) else { return nil }
        return minor
    }

    private static func invalid(_ key: String, _ text: String, _ message: String) -> FieldError {
        .invalid(FieldPath("metadata.labels").key(key), .string(text), message)
    }
}
