/// Which of the catalogue's resources the API serves: by default those of stable versions, as upstream.
///
/// What is switched on by name wins over what is switched by kind: a resource over its version, a version over `api/ga`, `api/beta` and
/// `api/alpha`, and these over `api/all`.
public struct RuntimeConfig: Sendable, Equatable {
    /// Everything, as `api/all=true`.
    public static let everything = RuntimeConfig(switches: ["api/all": true])

    private enum Maturity: String { case ga, beta, alpha }

    private let switches: [String: Bool]

    public init() { switches = [:] }

    /// The default, and these versions besides.
    public init(alsoServing versions: [GroupVersion]) {
        switches = Dictionary(versions.map { ($0.description, true) }, uniquingKeysWith: { first, _ in first })
    }

    private init(switches: [String: Bool]) { self.switches = switches }

    /// Why a configuration is none, in upstream's words.
    public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        public var description: String
    }

    /// - Parameter entries: `KEY`, `KEY=true` or `KEY=false`, where KEY is `api/all`, `api/ga`, `api/beta`, `api/alpha`, a group and version
    ///   (`api/v1` for the core), or that and a resource.
    /// - Throws: for a key or a value that is none, for what the catalogue does not have, and for serving nothing at all.
    public init(_ entries: [String], catalogue: Catalogue = .builtin) throws(Problem) {
        var switches: [String: Bool] = [:]
        for entry in entries {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let isOn = parts.count == 1 ? true : Self.booleans[parts[1]] else {
                throw Problem(
                    description:
                        "invalid value of \(parts[0]): \(parts[1]), err: strconv.ParseBool: parsing \"\(parts[1])\": invalid syntax")
            }
            try Self.check(parts[0], catalogue)
            switches[parts[0] == "api/v1" ? "v1" : parts[0]] = isOn
        }
        guard switches != ["api/all": false] else { throw Problem(description: "invalid key with only api/all=false") }
        self.switches = switches
    }

    private static let booleans: [String: Bool] = [
        "": true, "1": true, "t": true, "T": true, "true": true, "TRUE": true, "True": true, "0": false, "f": false, "F": false,
        "false": false, "FALSE": false, "False": false,
    ]

    private static func check(_ key: String, _ catalogue: Catalogue) throws(Problem) {
        if key == "api/all" || key == "api/v1" || maturity(of: key) != nil { return }
        let parts = key.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 || parts.count == 3 else { throw Problem(description: "runtime-config invalid key \(key)") }
        guard let group = catalogue.groups.first(where: { $0.name == parts[0] }) else {
            throw Problem(description: "unknown api groups \(parts[0])")
        }
        guard group.versions.contains(parts[1]) else {
            throw Problem(description: "group version \(parts[0])/\(parts[1]) that has not been registered")
        }
        guard parts.count == 3 else { return }
        guard parts[2] == parts[2].lowercased() else {
            throw Problem(description: "invalid key \(key): group/version/resource and resource is always lowercase plural")
        }
        guard catalogue.resource(GroupVersionResource(group: parts[0], version: parts[1], resource: parts[2])) != nil else {
            throw Problem(description: "resource \(key) that has not been registered")
        }
    }

    private static func maturity(of key: String) -> Maturity? {
        key.hasPrefix("api/") ? Maturity(rawValue: String(key.dropFirst("api/".count))) : nil
    }

    private static func maturity(ofVersion version: String) -> Maturity {
        version.contains("alpha") ? .alpha : version.contains("beta") ? .beta : .ga
    }

    /// What upstream's flag does not know: kinds of our own, and those that upstream has from an add-on.
    private static let always: Set = ["plugins.apus.dev", "metrics.k8s.io"]

    public func serves(_ type: ResourceType) -> Bool {
        if Self.always.contains(type.group) { return true }
        let version = type.groupVersion.description
        let maturity = Self.maturity(ofVersion: type.version)
        return switches["\(version)/\(type.name)"] ?? switches[version] ?? switches["api/\(maturity.rawValue)"] ?? switches["api/all"]
            ?? (maturity == .ga)
    }
}
