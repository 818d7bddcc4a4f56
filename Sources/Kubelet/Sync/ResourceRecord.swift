import APIModel
import FileSystem
import OrderedCollections

/// What a pod's containers have been given, and what the runtime has been told of that, as long as it differs from what they were made
/// with. Kept in the pod's directory from its first change on, so that the next kubelet goes on from there. Upstream:
/// `kubelet/allocation/state`.
struct ResourceRecord: Equatable, Sendable {
    /// By container name, and the pod's own as `Pod.whole`.
    var allocated: [String: Value] = [:]
    /// By container id, and what the pod's group has as `Pod.whole`.
    var actuated: [String: Value] = [:]

    private static let file = "resources"

    /// `nil` when nothing has changed yet. Blocks.
    static func read(_ uid: String, _ configuration: KubeletConfiguration) -> ResourceRecord? {
        guard let bytes = (try? Directory.open(configuration.podDirectory(uid)))?.read(file), let value = try? JSON.decode(bytes) else {
            return nil
        }
        func map(_ field: String) -> [String: Value] {
            Dictionary(value[field].fields.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        }
        return ResourceRecord(allocated: map("allocated"), actuated: map("actuated"))
    }

    /// In one step, so that a reader finds the old one or the new one. Blocks.
    func write(_ uid: String, _ configuration: KubeletConfiguration) throws(Files.Failure) {
        let value: Value = [
            "allocated": .object(.init(uniqueKeysWithValues: allocated.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })),
            "actuated": .object(.init(uniqueKeysWithValues: actuated.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })),
        ]
        let directory = try configuration.makeDirectory(of: uid)
        directory.remove(Self.file + ".new")
        try directory.create(Self.file + ".new", JSON.encode(value), mode: 0o600)
        try directory.rename(Self.file + ".new", to: Self.file)
    }
}
