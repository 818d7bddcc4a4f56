import APIModel
import FileSystem

/// What is kept beside a mount, so that whoever comes after this process can take it away. The form is upstream's.
struct VolumeData: Equatable, Sendable {
    var driver: String
    var handle: String
    /// The rest is only said of a pod's mount.
    var name: String?
    var attachment: String?
    var node: String?
    var isEphemeral: Bool?

    static let file = "vol_data.json"

    private static let modes = [true: "Ephemeral", false: "Persistent"]

    /// `nil` when there is none, or none that says whose it is. Blocks.
    static func read(in directory: Directory) -> VolumeData? {
        guard let bytes = directory.read(file, upTo: 1 << 20), let value = try? JSON.decode(bytes),
            let driver = value["driverName"].string, let handle = value["volumeHandle"].string
        else { return nil }
        return VolumeData(
            driver: driver, handle: handle, name: value["specVolID"].string, attachment: value["attachmentID"].string,
            node: value["nodeName"].string, isEphemeral: value["volumeLifecycleMode"].string.map { $0 == modes[true] })
    }

    /// Blocks.
    func write(in directory: Directory) throws(Files.Failure) {
        if Self.read(in: directory) == self { return }
        let fields: [(String, String?)] = [
            ("attachmentID", attachment), ("driverName", driver), ("nodeName", node), ("specVolID", name), ("volumeHandle", handle),
            ("volumeLifecycleMode", isEphemeral.flatMap { Self.modes[$0] }),
        ]
        var value = Value.emptyObject
        for (name, text) in fields { if let text { value[name] = .string(text) } }
        // All of it or nothing: half of it would say nothing.
        let new = Self.file + ".new"
        directory.remove(new)
        try directory.create(new, JSON.encode(value), mode: 0o644)
        try directory.rename(new, to: Self.file)
    }
}
