import APIModel
import FileSystem

/// A resolver's configuration: the lines of a `resolv.conf`.
public struct ResolvConf: Equatable, Sendable {
    /// Where a machine has its own.
    public static let hostPath = "/etc/resolv.conf"

    public var servers: [String] = []
    var searches: [String] = []
    var options: [String] = []

    /// Reads a file; one that is not there has no lines. Blocks.
    public static func read(_ path: String = hostPath) -> ResolvConf { ResolvConf(parsing: Files.text(path) ?? "") }

    /// Reads a `resolv.conf`; the last `search` line counts, and the last of options of one name.
    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let keyword = words.first else { continue }
            switch keyword {
            case "nameserver": servers += words.dropFirst().prefix(1)
            case "search":
                searches = words.dropFirst().filter { $0 != "." }.map { $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
            case "options": options = Self.merged(Array(words.dropFirst()), over: options)
            default: break
            }
        }
    }

    init(servers: [String] = [], searches: [String] = [], options: [String] = []) {
        self.servers = servers
        self.searches = searches
        self.options = options
    }

    /// For a machine that is said to have none: who is asked is the pod itself, and so nobody. Upstream's.
    static func none(for addresses: [String]) -> ResolvConf {
        let servers = addresses.map { $0.contains(":") ? "::1" : "127.0.0.1" }
        return ResolvConf(servers: servers.isEmpty ? ["127.0.0.1"] : servers, searches: ["."])
    }

    /// What a pod gets, and what people have to be told of it. Upstream: `network/dns`.
    struct ForPod: Equatable {
        var configuration: ResolvConf
        /// `ClusterFirst` was asked for, and there is no cluster DNS to name.
        var isClusterMissing = false
        /// What was left out since resolvers do not take it, in sentences.
        var cuts: [String] = []
    }

    /// - Parameters:
    ///   - host: the machine's.
    ///   - own: what pods get that are to have the machine's.
    static func configuration(
        for pod: Pod, host: ResolvConf, own hosts: ResolvConf? = nil, clusterServers: [String], clusterDomain: String
    ) -> ForPod {
        var result = ForPod(configuration: hosts ?? host)
        switch (pod.spec["dnsPolicy"].string ?? "ClusterFirst", pod.usesHostNetwork) {
        case ("None", _): result.configuration = ResolvConf()
        case ("ClusterFirstWithHostNet", _), ("ClusterFirst", false):
            guard !clusterServers.isEmpty else {
                result.isClusterMissing = true
                break
            }
            let domains = clusterDomain.isEmpty ? [] : ["\(pod.namespace).svc.\(clusterDomain)", "svc.\(clusterDomain)", clusterDomain]
            // The node's options are for the node's servers.
            result.configuration = ResolvConf(servers: clusterServers, searches: unique(domains + host.searches), options: ["ndots:5"])
        default: break
        }
        let own = pod.spec["dnsConfig"]
        let configuration = result.configuration
        result.configuration.servers = unique(configuration.servers + own["nameservers"].elements.compactMap(\.string))
        result.configuration.searches = unique(configuration.searches + own["searches"].elements.compactMap(\.string))
        let options = own["options"].elements.map { option in
            option["value"].string.flatMap { $0.isEmpty ? nil : "\(option.name):\($0)" } ?? option.name
        }
        result.configuration.options = merged(options, over: configuration.options)
        result.cuts = result.configuration.cut()
        return result
    }

    // What the resolver libraries of containers are known to take.
    private static let mostServers = 3
    private static let mostSearches = 32
    private static let longestSearch = 253
    private static let longestSearchLine = 2048

    /// Leaves out what is too much; returns what is to be said of it.
    private mutating func cut() -> [String] {
        var cuts: [String] = []
        if servers.count > Self.mostServers {
            servers = Array(servers.prefix(Self.mostServers))
            cuts.append(
                "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "
                    + servers.joined(separator: " "))
        }
        var kept = searches.prefix(Self.mostSearches).filter { $0.utf8.count <= Self.longestSearch }
        while kept.reduce(kept.count - 1, { $0 + $1.utf8.count }) > Self.longestSearchLine { kept.removeLast() }
        if kept.count < searches.count {
            searches = kept
            cuts.append(
                "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "
                    + searches.joined(separator: " "))
        }
        return cuts
    }

    private static func unique(_ list: [String]) -> [String] {
        var seen: Set<String> = []
        return list.filter { seen.insert($0).inserted }
    }

    /// `options` replace those of the same name in `base`.
    private static func merged(_ options: [String], over base: [String]) -> [String] {
        func name(_ option: String) -> Substring { option.prefix { $0 != ":" } }
        let names = Set(options.map(name))
        return base.filter { !names.contains(name($0)) } + options
    }

    /// CRI's `DNSConfig`.
    var message: Value { ["servers": Value(servers), "searches": Value(searches), "options": Value(options)] }
}
