import APIModel
import OrderedCollections
import PKI

/// Credentials for registries from secrets of the types `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg`.
struct PullSecrets: Sendable {
    private var entries: [(location: String, candidate: Candidate)] = []

    /// What to try a pull with.
    struct Candidate: Sendable {
        /// CRI's `AuthConfig`; `.null` for no credentials.
        var auth: Value = .null
        /// Where that comes from; `nil` when it is everybody's.
        var secret: PullCredentials.Secret?
    }

    init(_ secrets: [Value]) {
        for secret in secrets {
            let data = PodReferences.decoded(secret)
            switch secret["type"].string {
            case "kubernetes.io/dockerconfigjson":
                if let bytes = data[".dockerconfigjson"], let config = try? JSON.decode(bytes) { add(config["auths"], of: secret) }
            case "kubernetes.io/dockercfg":
                if let bytes = data[".dockercfg"], let auths = try? JSON.decode(bytes) { add(auths, of: secret) }
            default: break
            }
        }
        // The longest location that fits is the most to the point.
        entries.sort { $0.location.count > $1.location.count }
    }

    private mutating func add(_ auths: Value, of secret: Value) {
        for (server, entry) in auths.fields {
            var auth: Value = [
                "username": entry["username"], "password": entry["password"], "identity_token": entry["identitytoken"],
                "registry_token": entry["registrytoken"],
            ]
            if let packed = entry["auth"].string.flatMap(Base64.decode) {
                let parts = String(decoding: packed, as: UTF8.self).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 {
                    auth["username"] = .string(String(parts[0]))
                    auth["password"] = .string(String(parts[1]))
                }
            }
            let about = secret["metadata"]
            let source = PullCredentials.Secret(
                uid: about["uid"].string ?? "", namespace: about["namespace"].string ?? "", name: about.name,
                hash: Self.hash(auth, email: entry["email"]))
            entries.append((Self.location(server), Candidate(auth: auth, secret: source)))
        }
    }

    /// Tells credentials apart as upstream does, by what it keeps of them.
    private static func hash(_ auth: Value, email: Value) -> String {
        var kept = Value.emptyObject
        for (name, part) in [
            ("username", auth["username"]), ("password", auth["password"]), ("email", email), ("identitytoken", auth["identity_token"]),
            ("registrytoken", auth["registry_token"]),
        ] where !(part.string ?? "").isEmpty { kept[name] = part }
        return Digest.hexadecimal(String(decoding: JSON.encode(kept), as: UTF8.self))
    }

    /// What to try for an image, in order; no credentials when none fit.
    func candidates(for image: ImageReference) -> [Candidate] {
        let location = "\(Self.canonical(image.domain))/\(image.repository)"
        let fitting = entries.filter { Self.matches($0.location, location) }.map(\.candidate)
        return fitting.isEmpty ? [Candidate()] : fitting
    }

    /// Host and path, without scheme and API version.
    private static func location(_ server: String) -> String {
        var text = Substring(server)
        for scheme in ["https://", "http://"] where text.hasPrefix(scheme) { text = text.dropFirst(scheme.count) }
        for version in ["/v1/", "/v2/", "/v1", "/v2", "/"] where text.hasSuffix(version) {
            text = text.dropLast(version.count)
            break
        }
        let host = text.prefix { $0 != "/" }
        return canonical(String(host)) + text.dropFirst(host.count)
    }

    private static func canonical(_ host: String) -> String {
        host == "index.docker.io" || host == "registry-1.docker.io" ? "docker.io" : host
    }

    /// `*` in a host stands for one label or a part of it.
    static func matches(_ pattern: String, _ location: String) -> Bool {
        let (host, path) = (pattern.prefix { $0 != "/" }, pattern.drop { $0 != "/" })
        let (otherHost, otherPath) = (location.prefix { $0 != "/" }, location.drop { $0 != "/" })
        guard path.isEmpty || otherPath == path || otherPath.hasPrefix(path + "/") else { return false }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let others = otherHost.split(separator: ".", omittingEmptySubsequences: false)
        return labels.count == others.count && zip(labels, others).allSatisfy(fits)
    }

    private static func fits(_ pattern: Substring, _ label: Substring) -> Bool {
        guard let star = pattern.firstIndex(of: "*") else { return pattern == label }
        let (before, after) = (pattern[..<star], pattern[pattern.index(after: star)...])
        return label.count >= before.count + after.count && label.hasPrefix(before) && label.hasSuffix(after)
    }
}
