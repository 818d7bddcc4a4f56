import APIModel
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

    /// Looks until cancelled.
    func run(_ allocations: Allocations, disk: BlockingWork, log: Logger) async {
        var told: [String] = []
        while !Task.isCancelled {
            let burstable = allocations.milliCPU(of: .burstable)
            let refused = (try? await disk.run { self.apply(burstable: burstable) }) ?? []
            if !refused.isEmpty, refused != told { log.warning("the kernel refused \(refused.joined(separator: ", "))") }
            told = refused
            try? await Task.sleep(for: Self.period)
        }
    }

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
