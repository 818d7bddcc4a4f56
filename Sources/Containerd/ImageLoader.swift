internal import APIModel
internal import FileSystem
internal import Glibc

/// Puts images from archives into containerd's store for CRI, through containerd's own `ctr`.
public struct ImageLoader: Sendable {
    private let socket: String
    private let workDirectory: String
    private let snapshotter: String?

    /// For our own containerd.
    public init(paths: ContainerdPaths) {
        socket = paths.socket
        workDirectory = paths.images
        snapshotter = Files.text(paths.configuration).map { $0.contains("snapshotter = \"native\"") ? "native" : "overlayfs" }
    }

    /// For a containerd given by an endpoint, `unix:///run/containerd/containerd.sock` or the path alone.
    /// - Throws: `.failed` when the endpoint is no UNIX socket.
    public init(endpoint: String, workDirectory: String) throws(ContainerdError) {
        guard endpoint.hasPrefix("unix:///") || endpoint.hasPrefix("/") else {
            throw ContainerdError(.failed, "the endpoint \(endpoint) is not a UNIX socket")
        }
        socket = endpoint.hasPrefix("/") ? endpoint : String(endpoint.dropFirst("unix://".count))
        self.workDirectory = workDirectory
        snapshotter = nil
    }

    /// Loads an OCI layout or a docker archive (an uncompressed tar file) and returns the full names of its images once CRI knows them.
    /// - Parameter name: for an OCI archive that does not name its image.
    /// - Throws: `.missing` for the file or `ctr`, `.badArchive` saying what is wrong with the file, `.failed` with containerd's words.
    public func load(_ file: String, name: String? = nil, within duration: Duration = .seconds(300)) async throws(ContainerdError)
        -> [String]
    {
        try await onOwnThread { () throws(ContainerdError) in try loadNow(file, name: name, Deadline(after: duration)) }
    }

    /// Whether CRI knows an image of that name.
    public func has(_ name: String) async -> Bool { (try? await onOwnThread { hasNow(name, Deadline(after: .seconds(5))) }) ?? false }

    func hasNow(_ name: String, _ deadline: Deadline) -> Bool {
        // Field 1 of the request is the image, whose field 1 is its name; field 1 of the answer is the image if there is one.
        let request = ProtobufFields.encode(1, ProtobufFields.encode(1, name.utf8))
        guard let answer = CRISocket(path: socket).call("ImageService/ImageStatus", request, deadline: deadline) else { return false }
        return ProtobufFields.lengthDelimited(answer).contains { $0.number == 1 }
    }

    func loadNow(_ file: String, name: String? = nil, _ deadline: Deadline) throws(ContainerdError) -> [String] {
        guard let program = Environment.program("ctr") else {
            throw ContainerdError(.missing, "ctr is not installed: install the package containerd")
        }
        let contents = try ImageArchiveContents(file: file, name: name)
        guard CRISocket(path: socket).accepts() else {
            throw ContainerdError(.failed, "no containerd answers on \(socket): start apus first")
        }
        var source = file
        if let index = contents.namedIndex {
            try ContainerdError.telling { () throws(Files.Failure) in try Files.makeDirectory(workDirectory, mode: 0o711) }
            source = "\(workDirectory)/import-\(getpid()).tar"
            try contents.copy(to: source, replacing: index)
        }
        defer { if source != file { unlink(source) } }
        var arguments = [program, "--address", socket, "--namespace", "k8s.io", "images", "import"]
        if let snapshotter { arguments += ["--snapshotter", snapshotter] }
        try Child.run(arguments + [source], environment: Environment.forPrograms(), deadline: deadline)
        for name in contents.names { try awaitCRI(name, deadline) }
        return contents.names
    }

    /// CRI hears of a new image through containerd's events, a moment later, and tells nobody when it has; so it is asked until it knows.
    private func awaitCRI(_ name: String, _ deadline: Deadline) throws(ContainerdError) {
        let patience = Deadline(after: .seconds(10))
        while !hasNow(name, deadline) {
            if patience.isPast || deadline.isPast { throw ContainerdError(.timedOut, "\(name) was loaded, but CRI does not know it") }
            poll(nil, 0, 5)
        }
    }
}

extension ContainerdSupervisor {
    /// Puts the pause image in place where it is not.
    func ensurePauseImage(_ deadline: Deadline) throws(ContainerdError) {
        let loader = ImageLoader(paths: paths)
        if loader.hasNow(PauseImage.name, deadline) { return }
        try ContainerdError.telling { () throws(Files.Failure) in try Files.makeDirectory(paths.images, mode: 0o711) }
        let file = paths.images + "/pause.tar"
        try PauseImage.archive().write(to: file)
        _ = try loader.loadNow(file, deadline)
    }
}
