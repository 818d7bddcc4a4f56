internal import APIModel
internal import Glibc

/// What an image archive says about itself.
struct ImageArchiveContents {
    private let file: String
    private let tar: TarReader
    /// The full names of the images in it.
    let names: [String]
    /// The index to import with when the archive's own does not name its images in full.
    let namedIndex: [UInt8]?

    /// - Throws: `.missing` when the file cannot be read, `.badArchive` saying why it holds no image that can be loaded.
    init(file: String, name: String?) throws(ContainerdError) {
        self.file = file
        tar = try TarReader(path: file)
        if tar.files["oci-layout"] != nil || tar.files["index.json"] != nil {
            guard let bytes = tar.content("index.json"), var index = try? JSON.decode(bytes), !index["manifests"].elements.isEmpty else {
                throw ContainerdError(.badArchive, "\(file): index.json of the OCI layout is missing or lists no manifest")
            }
            (names, namedIndex) = try Self.name(&index, name, file) ? (Self.names(index), JSON.encode(index)) : (Self.names(index), nil)
            for manifest in index["manifests"].elements { try Self.check(manifest["digest"].string, in: tar, file) }
        } else if let bytes = tar.content("manifest.json") {
            guard let manifest = try? JSON.decode(bytes), !manifest.elements.isEmpty else {
                throw ContainerdError(.badArchive, "\(file): manifest.json of the docker archive lists no image")
            }
            let tags = manifest.elements.flatMap { $0["RepoTags"].elements }.compactMap(\.string)
            guard !tags.isEmpty else {
                throw ContainerdError(
                    .badArchive, "\(file): the docker archive does not name its image: save it by name and tag, not by id")
            }
            for image in manifest.elements {
                for part in [image["Config"]] + image["Layers"].elements where tar.files[part.string ?? ""] == nil && !image.isNull {
                    throw ContainerdError(.badArchive, "\(file): the docker archive lacks \(part.string ?? "a config")")
                }
            }
            var full: [String] = []
            for tag in tags { full.append(try ImageName.normalized(tag)) }
            (names, namedIndex) = (full, nil)
        } else {
            throw ContainerdError(.badArchive, "\(file) is neither an OCI layout (no index.json) nor a docker archive (no manifest.json)")
        }
    }

    private static let nameAnnotation = "io.containerd.image.name"
    private static let referenceAnnotation = "org.opencontainers.image.ref.name"

    private static func names(_ index: Value) -> [String] {
        index["manifests"].elements.compactMap { $0["annotations"][nameAnnotation].string }
    }

    /// Gives every manifest its full name. Returns whether anything had to be changed.
    private static func name(_ index: inout Value, _ name: String?, _ file: String) throws(ContainerdError) -> Bool {
        var changed = false
        for position in index["manifests"].elements.indices {
            let annotations = index["manifests"][position]["annotations"]
            if name == nil, annotations[nameAnnotation].string != nil { continue }
            let reference = annotations[referenceAnnotation].string.flatMap { $0.contains("/") || $0.contains(":") ? $0 : nil }
            guard let chosen = name ?? reference else {
                throw ContainerdError(.badArchive, "\(file): the OCI layout does not name its image; give the name to load it under")
            }
            let full = try ImageName.normalized(chosen)
            if annotations[nameAnnotation].string == full { continue }
            index["manifests"][position]["annotations"][nameAnnotation] = .string(full)
            changed = true
        }
        return changed
    }

    private static func check(_ digest: String?, in tar: TarReader, _ file: String) throws(ContainerdError) {
        guard let digest, let colon = digest.firstIndex(of: ":") else {
            throw ContainerdError(.badArchive, "\(file): a manifest in index.json has no digest")
        }
        let path = "blobs/\(digest[..<colon])/\(digest[digest.index(after: colon)...])"
        guard tar.files[path] != nil else { throw ContainerdError(.badArchive, "\(file): the OCI layout lacks \(path)") }
    }

    /// Copies the archive with another index: of two files with one name the later counts.
    func copy(to path: String, replacing index: [UInt8]) throws(ContainerdError) {
        var end = TarWriter()
        try end.add("index.json", .file, mode: 0o644, content: index)
        let tail = end.finished()
        let input = open(file, O_RDONLY | O_CLOEXEC)
        let output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer {
            close(input)
            close(output)
        }
        guard input >= 0, output >= 0 else { throw ContainerdError.system("cannot copy \(file) to \(path)") }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var left = tar.end
        while left > 0 {
            let count = read(input, &buffer, min(left, buffer.count))
            guard count > 0, write(output, buffer, count) == count else { throw ContainerdError.system("cannot copy \(file) to \(path)") }
            left -= count
        }
        guard tail.withUnsafeBytes({ write(output, $0.baseAddress!, $0.count) }) == tail.count else {
            throw ContainerdError.system("cannot write \(path)")
        }
    }
}
