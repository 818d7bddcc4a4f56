import APIModel

/// Files of a volume that would take each other's place: the same path twice, or one below another.
enum VolumePaths {
    private struct File {
        var path: Substring
        /// Where it comes from; empty where the volume has one source alone.
        var source = ""

        var description: String { source.isEmpty ? "\"\(path)\"" : "\"\(path)\" (\(source))" }

        func overlaps(_ other: File) -> Bool {
            !path.isEmpty && !other.path.isEmpty && ("\(path)/".hasPrefix("\(other.path)/") || "\(other.path)/".hasPrefix("\(path)/"))
        }
    }

    static func overlaps(_ volumes: [Value]) -> [String] {
        volumes.flatMap { volume -> [String] in
            let name = volume["name"].string ?? ""
            let sources = [
                ("configMap", "ConfigMap \"\(volume["configMap"]["name"].string ?? "")\""),
                ("secret", "Secret \"\(volume["secret"]["secretName"].string ?? "")\""), ("downwardAPI", "DownwardAPI"),
            ]
            var warnings = sources.flatMap { source, title in
                overlaps(files(volume[source]["items"])).map { "volume \"\(name)\" (\(title)): overlapping paths: \($0)" }
            }
            let projected = volume["projected"]["sources"].elements
            for source in projected where source.isEmpty { warnings.append("volume \"\(name)\" (Projected) has no sources provided") }
            warnings += overlaps(projected.flatMap(files(ofSource:))).map {
                "volume \"\(name)\" (Projected): overlapping paths: \($0)"
            }
            return warnings
        }
    }

    private static func overlaps(_ files: [File]) -> [String] {
        files.enumerated().flatMap { index, file in
            files[..<index].filter(file.overlaps).map { "\(file.description) with \($0.description)" }
        }
    }

    private static func file(_ path: Value, _ source: String = "") -> File {
        var path = (path.string ?? "")[...]
        while path.hasSuffix("/") { path.removeLast() }
        return File(path: path, source: source)
    }

    private static func files(_ items: Value, _ source: String = "") -> [File] { items.elements.map { file($0["path"], source) } }

    private static func files(ofSource source: Value) -> [File] {
        for (field, title) in [("configMap", "ConfigMap"), ("secret", "Secret")] where !source[field]["items"].isNull {
            return files(source[field]["items"], "\(title) \"\(source[field]["name"].string ?? "")\"")
        }
        if !source["downwardAPI"]["items"].isNull { return files(source["downwardAPI"]["items"], "DownwardAPI") }
        if !source["serviceAccountToken"].isNull { return [file(source["serviceAccountToken"]["path"], "ServiceAccountToken")] }
        let bundle = source["clusterTrustBundle"]
        if !bundle.isNull {
            return [file(bundle["path"], "ClusterTrustBundle \"\(bundle["name"].string ?? bundle["signerName"].string ?? "")\"")]
        }
        let parts = [
            ("certificateChainPath", "chain"), ("keyPath", "key"), ("credentialBundlePath", "credential bundle"),
        ]
        return parts.filter { !source["podCertificate"][$0.0].isEmpty }.map {
            file(source["podCertificate"][$0.0], "PodCertificate \($0.1)")
        }
    }
}
