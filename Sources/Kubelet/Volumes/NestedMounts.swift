import APIModel

/// Where other volumes are mounted inside a volume. A volume that is read-only for its containers has to have these directories before.
/// Upstream: `volume/util/nested_volumes.go`.
enum NestedMounts {
    /// Paths in the volume, the outermost only: what lies deeper is in another volume.
    static func points(in volume: String, of pod: Pod) -> Set<String> {
        var points: Set<String> = []
        for container in pod.allContainers {
            let mounts = container["volumeMounts"].elements.map { (volume: $0.name, path: parts($0["mountPath"].string ?? "")) }
            for own in mounts where own.volume == volume {
                let inner = mounts.map(\.path).filter { $0.count > own.path.count && $0.starts(with: own.path) }
                for path in inner where !inner.contains(where: { $0.count < path.count && path.starts(with: $0) }) {
                    points.insert(path.dropFirst(own.path.count).joined(separator: "/"))
                }
            }
        }
        return points
    }

    private static func parts(_ path: String) -> [String] {
        var parts: [String] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts
    }
}
