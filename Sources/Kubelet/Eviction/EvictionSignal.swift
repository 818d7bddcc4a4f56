import APIModel

/// What a node can run short of. Upstream: `kubelet/eviction/api`.
enum EvictionSignal: String, CaseIterable, Sendable {
    case memory = "memory.available"
    case nodeStorage = "nodefs.available"
    case nodeInodes = "nodefs.inodesFree"
    case imageStorage = "imagefs.available"
    case imageInodes = "imagefs.inodesFree"
    case processes = "pid.available"

    /// The Node's condition that tells of it.
    var condition: String {
        switch self {
        case .memory: "MemoryPressure"
        case .nodeStorage, .nodeInodes, .imageStorage, .imageInodes: "DiskPressure"
        case .processes: "PIDPressure"
        }
    }

    /// What has to be got back, in words of messages.
    var resource: String {
        switch self {
        case .memory: "memory"
        case .nodeStorage, .imageStorage: "ephemeral-storage"
        case .nodeInodes, .imageInodes: "inodes"
        case .processes: "pids"
        }
    }

    /// An amount in words of messages.
    func quantity(_ amount: Whole) -> Quantity {
        Quantity(value: amount.int64, format: resource == "memory" || resource == "ephemeral-storage" ? .binarySI : .decimalSI)
    }
}

/// How much there is of something, and how much of it is free.
struct Observation: Equatable, Sendable {
    var available: Whole
    var capacity: Whole
}

/// What the node has at one moment. What could not be told is missing.
struct NodeFigures: Equatable, Sendable {
    var observations: [EvictionSignal: Observation] = [:]
    /// Whether images have a disk of their own.
    var hasImageDisk = false
}
