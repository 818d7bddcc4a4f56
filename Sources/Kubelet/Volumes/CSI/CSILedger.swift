import FileSystem
import Synchronization

/// Which pod has which volume of a driver, and which volumes are on the node at all. Read once from what lies beside the mounts; from then
/// on whoever has the turn of a volume keeps it true. Safe from any task.
final class CSILedger: Sendable {
    /// How far a pod's mount is.
    enum Progress: Sendable {
        /// Nothing of it was asked of the driver.
        case wanted
        /// It may be there: the driver was asked for it.
        case begun
        case mounted
    }

    struct Use: Sendable {
        /// The pod's own name of the volume; empty while only what an earlier kubelet left is known.
        var name = ""
        var device: CSIDevice
        var isEphemeral: Bool
        var progress: Progress
    }

    /// A pod's uid, and the volume's name.
    struct Key: Hashable, Sendable {
        var pod: String
        var volume: String
    }

    private struct State {
        var isLoaded = false
        var uses: [String: [String: Use]] = [:]
        /// How many pods have it.
        var users: [CSIDevice: Int] = [:]
        /// How far those are that may be mounted for all pods.
        var staged: [CSIDevice: Progress] = [:]
        /// Those that come to the node without being attached to it.
        var unattached: Set<CSIDevice> = []

        mutating func tidy(_ device: CSIDevice) { if users[device] == nil && staged[device] == nil { unattached.remove(device) } }
    }
    private let state = Mutex(State())

    // MARK: What pods have

    func uses(of pod: String) -> [String: Use] { state.withLock { $0.uses[pod] ?? [:] } }
    func use(_ key: Key) -> Use? { state.withLock { $0.uses[key.pod]?[key.volume] } }
    var mounted: [Key: Use] {
        state.withLock { state in
            var mounted: [Key: Use] = [:]
            for (pod, uses) in state.uses {
                for (volume, use) in uses where use.progress == .mounted { mounted[Key(pod: pod, volume: volume)] = use }
            }
            return mounted
        }
    }
    /// Pods with something of these drivers that is not mounted.
    func waiting(for drivers: Set<String>) -> [String] {
        state.withLock { state in
            state.uses.filter { $0.value.values.contains { drivers.contains($0.device.driver) && $0.progress != .mounted } }.map(\.key)
        }
    }
    var pods: [String] { state.withLock { Array($0.uses.keys) } }

    /// - Parameter isAttached: whether the volume is attached to the node before it is used.
    func set(_ key: Key, _ use: Use, isAttached: Bool) {
        state.withLock { state in
            if isAttached { state.unattached.remove(use.device) } else { state.unattached.insert(use.device) }
            if state.uses[key.pod]?[key.volume] == nil && !use.isEphemeral { state.users[use.device, default: 0] += 1 }
            state.uses[key.pod, default: [:]][key.volume] = use
        }
    }

    func note(_ key: Key, _ progress: Progress) { state.withLock { $0.uses[key.pod]?[key.volume]?.progress = progress } }

    func forget(_ key: Key) {
        state.withLock { state in
            guard let use = state.uses[key.pod]?.removeValue(forKey: key.volume) else { return }
            if state.uses[key.pod]?.isEmpty ?? false { state.uses[key.pod] = nil }
            guard !use.isEphemeral, let count = state.users[use.device] else { return state.tidy(use.device) }
            state.users[use.device] = count > 1 ? count - 1 : nil
            state.tidy(use.device)
        }
    }

    // MARK: What is on the node

    /// How far the mount for all pods is; `nil` when there is none.
    func staging(_ device: CSIDevice) -> Progress? { state.withLock { $0.staged[device] } }
    func note(_ device: CSIDevice, _ progress: Progress?) {
        state.withLock { state in
            state.staged[device] = progress
            state.tidy(device)
        }
    }
    func isUsed(_ device: CSIDevice) -> Bool { state.withLock { $0.users[device] != nil } }

    /// Those that no pod has any more.
    var abandoned: [CSIDevice] { state.withLock { state in state.staged.keys.filter { state.users[$0] == nil } } }

    /// Those that somebody attaches, as a Node's status lists them: what pods are to have, and what is on the node still. `nil` before it is
    /// known what is.
    var inUse: [String]? {
        state.withLock { state in
            guard state.isLoaded else { return nil }
            return Set(state.users.keys).union(state.staged.keys).subtracting(state.unattached).map(\.uniqueName).sorted()
        }
    }

    // MARK: What an earlier kubelet left

    /// Reads what lies below the kubelet's directory. Whatever an earlier kubelet has begun may be there. Blocks.
    func load(_ root: String) {
        if state.withLock({ $0.isLoaded }) { return }
        let blocks = Self.blocks(root)
        for (key, data) in Self.mounts(root) {
            let isEphemeral = data.isEphemeral ?? false
            set(
                key, Use(device: CSIDevice(driver: data.driver, handle: data.handle), isEphemeral: isEphemeral, progress: .begun),
                isAttached: !isEphemeral)
        }
        for key in Self.links(root) {
            guard let device = blocks[key.volume] else { continue }
            set(key, Use(device: device, isEphemeral: false, progress: .begun), isAttached: true)
        }
        for device in Self.devices(root) + blocks.values { note(device, .begun) }
        state.withLock { $0.isLoaded = true }
    }

    /// What pods have in a directory of theirs.
    private static func names(_ root: String, in place: String) -> [(key: Key, directory: Directory)] {
        guard let pods = try? Directory.open("\(root)/pods") else { return [] }
        var found: [(Key, Directory)] = []
        for uid in (try? pods.names()) ?? [] {
            guard let directory = try? pods.directory("\(uid)/\(place)") else { continue }
            for name in (try? directory.names()) ?? [] { found.append((Key(pod: uid, volume: name), directory)) }
        }
        return found
    }

    private static func mounts(_ root: String) -> [(Key, VolumeData)] {
        names(root, in: CSI.volumes).compactMap { key, directory in
            (try? directory.directory(key.volume)).flatMap(VolumeData.read).map { (key, $0) }
        }
    }

    private static func links(_ root: String) -> [Key] { names(root, in: CSI.devices).map(\.key) }

    /// Volumes without a file system, by name.
    private static func blocks(_ root: String) -> [String: CSIDevice] {
        guard let volumes = try? Directory.open("\(root)/\(CSIDevice.blocks)") else { return [:] }
        var found: [String: CSIDevice] = [:]
        for name in (try? volumes.names()) ?? [] {
            guard let data = (try? volumes.directory("\(name)/data")).flatMap(VolumeData.read) else { continue }
            found[name] = CSIDevice(driver: data.driver, handle: data.handle, block: name)
        }
        return found
    }

    private static func devices(_ root: String) -> [CSIDevice] {
        guard let drivers = try? Directory.open("\(root)/plugins/kubernetes.io/csi") else { return [] }
        var found: [CSIDevice] = []
        for driver in (try? drivers.names()) ?? [] {
            guard let volumes = try? drivers.directory(driver) else { continue }
            for name in (try? volumes.names()) ?? [] {
                guard let data = (try? volumes.directory(name)).flatMap(VolumeData.read) else { continue }
                found.append(CSIDevice(driver: data.driver, handle: data.handle))
            }
        }
        return found
    }
}
