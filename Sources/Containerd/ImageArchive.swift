internal import APIModel
internal import FileSystem
internal import Glibc

/// Packs an image of one layer as an OCI layout in a tar archive, without any other tool. The same content gives the same bytes and so the
/// same digest.
public struct ImageArchive: Sendable {
    /// What a container of the image runs.
    public struct Process: Sendable {
        public var entrypoint: [String]
        public var command: [String]
        public var environment: [String]
        public var workingDirectory: String

        public init(
            entrypoint: [String] = [], command: [String] = [],
            environment: [String] = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            workingDirectory: String = "/"
        ) {
            self.entrypoint = entrypoint
            self.command = command
            self.environment = environment
            self.workingDirectory = workingDirectory
        }
    }

    public let name: String
    private let process: Process
    private var layer = TarWriter()
    private var directories: Set<String> = []

    /// - Parameter name: as a person types it; it is kept in full.
    public init(name: String, process: Process) throws(ContainerdError) {
        self.name = try ImageName.normalized(name)
        self.process = process
    }

    /// Adds a file at a path without a leading slash, with the directories above it.
    public mutating func add(file path: String, _ content: [UInt8], mode: UInt32 = 0o644) throws(ContainerdError) {
        try addDirectories(above: path)
        try layer.add(path, .file, mode: mode, content: content)
    }

    /// Adds a symbolic link.
    public mutating func add(link path: String, to target: String) throws(ContainerdError) {
        try addDirectories(above: path)
        try layer.add(path, .link, mode: 0o777, target: target)
    }

    /// Adds everything in a directory of this machine: directories, files and symbolic links, in the order of their names. Owner and time
    /// are left out.
    /// - Throws: `.badArchive` for anything else, naming it.
    public mutating func add(contentsOf directory: String, at path: String = "") throws(ContainerdError) {
        guard Files.isDirectory(directory) else { throw ContainerdError(.missing, "\(directory) is not a directory") }
        for entry in Files.names(in: directory).sorted() {
            let (source, target) = (directory + "/" + entry, path.isEmpty ? entry : path + "/" + entry)
            var info = stat()
            guard lstat(source, &info) == 0 else { throw ContainerdError.system("cannot read \(source)") }
            switch info.st_mode & S_IFMT {
            case S_IFDIR:
                if directories.insert(target).inserted { try layer.add(target, .directory, mode: info.st_mode & 0o7777) }
                try add(contentsOf: source, at: target)
            case S_IFREG:
                guard let content = Files.read(source) else { throw ContainerdError.system("cannot read \(source)") }
                try add(file: target, content, mode: info.st_mode & 0o7777)
            case S_IFLNK:
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = buffer.withUnsafeMutableBytes { readlink(source, $0.baseAddress!, $0.count) }
                guard count >= 0 else { throw ContainerdError.system("cannot read \(source)") }
                try add(link: target, to: String(decoding: buffer[..<count], as: UTF8.self))
            default: throw ContainerdError(.badArchive, "\(source) is neither a file, a directory nor a symbolic link")
            }
        }
    }

    private mutating func addDirectories(above path: String) throws(ContainerdError) {
        let parts = path.split(separator: "/").dropLast()
        var directory = ""
        for part in parts {
            directory += (directory.isEmpty ? "" : "/") + part
            if directories.insert(directory).inserted { try layer.add(directory, .directory, mode: 0o755) }
        }
    }

    /// The digest of the layer: what tells two images of the same name apart.
    public var layerDigest: String { digest(layer.finished()) }

    /// The archive's bytes.
    public func encoded() throws(ContainerdError) -> [UInt8] {
        let content = layer.finished()
        let configuration = JSON.encode([
            "architecture": .string(Self.architecture), "os": "linux",
            "config": [
                "Env": .array(process.environment.map { .string($0) }), "Entrypoint": .array(process.entrypoint.map { .string($0) }),
                "Cmd": .array(process.command.map { .string($0) }), "WorkingDir": .string(process.workingDirectory),
            ],
            "rootfs": ["type": "layers", "diff_ids": [.string(digest(content))]],
        ])
        let manifest = JSON.encode([
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": Self.descriptor("application/vnd.oci.image.config.v1+json", configuration),
            "layers": [Self.descriptor("application/vnd.oci.image.layer.v1.tar", content)],
        ])
        var entry = Self.descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
        entry["platform"] = ["architecture": .string(Self.architecture), "os": "linux"]
        entry["annotations"] = ["io.containerd.image.name": .string(name), "org.opencontainers.image.ref.name": .string(name)]

        var archive = TarWriter()
        try archive.add("oci-layout", .file, mode: 0o644, content: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
        try archive.add("index.json", .file, mode: 0o644, content: JSON.encode(["schemaVersion": 2, "manifests": [entry]]))
        for directory in ["blobs", "blobs/sha256"] { try archive.add(directory, .directory, mode: 0o755) }
        for blob in [content, configuration, manifest] {
            try archive.add("blobs/sha256/" + digest(blob).dropFirst(7), .file, mode: 0o644, content: blob)
        }
        return archive.finished()
    }

    /// Writes the archive.
    public func write(to path: String) throws(ContainerdError) {
        let bytes = try encoded()
        try ContainerdError.telling { () throws(Files.Failure) in try Files.replace(path, bytes, mode: 0o644) }
    }

    private static func descriptor(_ mediaType: String, _ content: [UInt8]) -> Value {
        ["mediaType": .string(mediaType), "digest": .string(digest(content)), "size": .int(Int64(content.count))]
    }

    #if arch(x86_64)
        static let architecture = "amd64"
    #elseif arch(arm64)
        static let architecture = "arm64"
    #endif
}
