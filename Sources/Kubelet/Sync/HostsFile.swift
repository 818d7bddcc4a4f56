import APIModel

/// A pod's `/etc/hosts`. Upstream: `ensureHostsFile`.
enum HostsFile {
    /// - Parameter nodeHosts: the machine's own file, for a pod in the machine's network; else `nil`.
    static func content(for pod: Pod, ips: [String], hostname: String, domain: String, nodeHosts: String?) -> String {
        var text: String
        if let nodeHosts {
            text = "# Kubernetes-managed hosts file (host network).\n" + nodeHosts
            if !text.hasSuffix("\n") { text += "\n" }
        } else {
            text = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
            text += "fe00::\tip6-localnet\nfe00::\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
            for ip in ips { text += domain.isEmpty ? "\(ip)\t\(hostname)\n" : "\(ip)\t\(hostname).\(domain)\t\(hostname)\n" }
        }
        let aliases = pod.spec["hostAliases"].elements
        if !aliases.isEmpty {
            text += "\n# Entries added by HostAliases.\n"
            for alias in aliases {
                text += "\(alias["ip"].string ?? "")\t\(alias["hostnames"].elements.compactMap(\.string).joined(separator: "\t"))\n"
            }
        }
        return text
    }
}
