internal import FileSystem
internal import Glibc

/// What the programs we start get to see.
enum Environment {
    static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// A search path in which the system's tools are, and how to reach registries; nothing else of ours is their business.
    static func forPrograms() -> [String] {
        var result = ["PATH=" + path]
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
            if let value = getenv(name) { result.append(name + "=" + String(cString: value)) }
        }
        return result
    }

    /// The program's path, searched where it runs later.
    static func program(_ name: String) -> String? { path.split(separator: ":").map { $0 + "/" + name }.first(where: Files.isExecutable) }
}
