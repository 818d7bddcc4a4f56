import APIModel

/// A resolver's configuration: the lines of a `resolv.conf`.
struct DNS: Equatable, Sendable {
    var servers: [String] = []
    var searches: [String] = []
    var options: [String] = []

    /// Reads a `resolv.conf`; the last `search` line counts.
    init(parsing text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard words.count > 1 else { continue }
            switch words[0] {
            case "nameserver": servers.append(words[1])
            case "search", "domain": searches = words.dropFirst().map { $0.count > 1 && $0.hasSuffix(".") ? String($0.dropLast()) : $0 }
            case "options": options = Array(words.dropFirst())
            default: break
            }
        }
    }

    init(servers: [String] = [], searches: [String] = [], options: [String] = []) {
        self.servers = servers
        self.searches = searches
        self.options = options
    }

    /// What a pod gets. The second result tells that `ClusterFirst` was asked for and there is no cluster DNS to name. Upstream:
    /// `network/dns`.
    static func configuration(for pod: Pod, host: DNS, clusterServers: [String], clusterDomain: String) -> (
        dns: DNS, isClusterMissing: Bool
    ) {
        var dns: DNS
        var isMissing = false
        switch (pod.spec["dnsPolicy"].string ?? "ClusterFirst", pod.usesHostNetwork) {
        case ("None", _): dns = DNS()
        case ("ClusterFirstWithHostNet", _), ("ClusterFirst", false):
            if clusterServers.isEmpty {
                isMissing = true
                dns = host
            } else {
                let domains = clusterDomain.isEmpty ? [] : ["\(pod.namespace).svc.\(clusterDomain)", "svc.\(clusterDomain)", clusterDomain]
                dns = DNS(
                    servers: clusterServers, searches: unique(domains + host.searches), options: merged(["ndots:5"], over: host.options))
            }
        default: dns = host
        }
        let own = pod.spec["dnsConfig"]
        dns.servers = unique(dns.servers + own["nameservers"].elements.compactMap(\.string))
        dns.searches = unique(dns.searches + own["searches"].elements.compactMap(\.string))
        let options = own["options"].elements.map { option in
            option["value"].string.flatMap { $0.isEmpty ? nil : "\(option.name):\($0)" } ?? option.name
        }
        dns.options = merged(options, over: dns.options)
        // What the resolver library of containers is known to take, as upstream cuts it.
        dns.servers = Array(dns.servers.prefix(3))
        dns.searches = Array(dns.searches.prefix(32))
        return (dns, isMissing)
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
