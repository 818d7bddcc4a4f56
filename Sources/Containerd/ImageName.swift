/// Names of images, in full as containerd and CRI keep them.
public enum ImageName {
    /// The full name of what a person typed: `hello` is `docker.io/library/hello:latest`, `apus.local/hello:1` stays.
    /// - Throws: `.badArchive` when it cannot be the name of an image.
    public static func normalized(_ name: String) throws(ContainerdError) -> String {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "._-/:@".utf8.contains(byte)
            }
        }
        var parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        // Each part has a name before its tag or digest.
        let areNamed = parts.allSatisfy { part in part.utf8.first.map { !":@".utf8.contains($0) } ?? false }
        guard allowed, areNamed, let first = parts.first, let last = parts.last else {
            throw ContainerdError(.badArchive, "\"\(name)\" is not the name of an image")
        }
        let hasRegistry = parts.count > 1 && (first == "localhost" || first.contains(".") || first.contains(":"))
        if !hasRegistry { parts.insert(contentsOf: parts.count == 1 ? ["docker.io", "library"] : ["docker.io"], at: 0) }
        guard
            parts.dropFirst().allSatisfy({ part in part.split(separator: "@")[0].split(separator: ":")[0].allSatisfy { !$0.isUppercase } })
        else {
            throw ContainerdError(.badArchive, "\"\(name)\" is not the name of an image: it must be in lower case")
        }
        return parts.joined(separator: "/") + (last.contains(":") || last.contains("@") ? "" : ":latest")
    }
}
