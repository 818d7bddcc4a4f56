import APIModel
import FileSystem
import Logging

/// Keeps the groups that hold all pods, and those of each quality of service, to what the node has for them: all pods together get no more
/// memory than is not set aside, and those that asked for nothing get what others leave. Upstream: `cm/node_container_manager_linux.go`,
/// `cm/qos_container_manager_linux.go`.
struct PodGroups: Sendable {
    let memory: Whole
    let milliCPU: Whole
    var root = CgroupSetting.root
    /// The group of all pods, which the runtime makes with the first of them.
    var group = "/kubepods"

    /// Upstream's.
    private static let period = Duration.seconds(60)

    init(memory: Whole, milliCPU: Whole) { (self.memory, self.milliCPU) = (memory, milliCPU) }

    init(_ machine: Machine, _ configuration: KubeletConfiguration) {
        let unreserved = machine.unreserved(configuration)
        self.init(memory: (unreserved["memory"] ?? 0) / 1000, milliCPU: unreserved["cpu"] ?? 0)
        group = configuration.cgroupRoot + group
    }

    /// Looks until cancelled. Tells of the Node, and tells again when the kernel takes more or less than before.
    func run(_ allocations: Allocations, disk: BlockingWork, log: Logger, told: NodeEvents) async {
        var last: [String]?
        while !Task.isCancelled {
            let burstable = allocations.milliCPU(of: .burstable)
            let refused = try? await disk.run { self.isThere ? self.apply(burstable: burstable) : nil }
            if let refused = refused ?? nil, refused != last {
                if !refused.isEmpty { log.warning("the kernel refused \(refused.joined(separator: ", "))") }
                told.enforced(in: group, refused: refused)
                last = refused
            }
            try? await Task.sleep(for: Self.period)
        }
    }

    /// Whether the runtime has made them.
    private var isThere: Bool { ["\(root)/memory\(group)", root + group].contains { Files.isDirectory($0) } }

    /// Answers the files that did not take their value. Blocks.
    /// - Parameter burstable: what pods of that class ask for of CPU, in thousandths.
    func apply(burstable: Whole) -> [String] {
        let settings = [
            CgroupSetting.memory(group, limit: memory, root: root), CgroupSetting.weight(group, milliCPU: milliCPU, root: root),
            CgroupSetting.weight(group + "/burstable", milliCPU: burstable, root: root),
            CgroupSetting.weight(group + "/besteffort", milliCPU: 0, root: root),
        ]
        return settings.joined().apply()
    }
}
