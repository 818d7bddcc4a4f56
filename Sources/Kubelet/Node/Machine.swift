import APIModel
import FileSystem
import Glibc

/// The machine the kubelet runs on, read once: what it has does not change while it runs.
struct Machine: Sendable {
    let cpus: Whole
    /// Bytes.
    let memory: Whole
    let hugePages: [String: Whole]
    /// Bytes of the file system that pods write to.
    let storage: Whole
    let info: Value
    /// Whether the kernel confines programs by AppArmor.
    let hasAppArmor: Bool

    init(rootDirectory: String, kubeletVersion: String) {
        cpus = max(Whole(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
        memory = Self.memoryTotal(Files.text("/proc/meminfo") ?? "")
        storage = Self.storage(rootDirectory)?.total ?? 0
        hasAppArmor = Files.text("/sys/module/apparmor/parameters/enabled")?.hasPrefix("Y") ?? false
        hugePages = Self.hugePages("/sys/kernel/mm/hugepages")
        let swap = Self.field("SwapTotal:", Files.text("/proc/meminfo") ?? "") * 1024
        info = [
            "machineID": .string(Self.line("/etc/machine-id")),
            "systemUUID": .string(Self.line("/sys/class/dmi/id/product_uuid", orElse: "/etc/machine-id")),
            "bootID": .string(Self.line("/proc/sys/kernel/random/boot_id")),
            "kernelVersion": .string(Self.line("/proc/sys/kernel/osrelease")),
            "osImage": .string(Self.osImage(Files.text("/etc/os-release") ?? "")), "kubeletVersion": .string(kubeletVersion),
            "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": .string(Self.architecture),
            "swap": swap > 0 ? ["capacity": .int(swap)] : .null,
        ]
    }

    #if arch(arm64)
        static let architecture = "arm64"
    #else
        static let architecture = "amd64"
    #endif

    private static func line(_ path: String, orElse other: String? = nil) -> String {
        let text = Files.text(path).map { String($0.prefix { !$0.isNewline }) } ?? ""
        return text.isEmpty ? other.map { line($0) } ?? "" : text
    }

    /// Bytes in huge pages, by the name of the resource, as a directory of the kernel tells. Blocks.
    static func hugePages(_ directory: String) -> [String: Whole] {
        Dictionary(
            Files.names(in: directory).compactMap { name in
                guard let kilobytes = Whole(name.dropFirst("hugepages-".count).prefix { $0.isNumber }),
                    let count = Files.text("\(directory)/\(name)/nr_hugepages").flatMap({ Whole($0.prefix { $0.isNumber }) })
                else { return nil }
                return (
                    kilobytes >= 1 << 20
                        ? "hugepages-\(kilobytes / (1 << 20))Gi"
                        : kilobytes >= 1024 ? "hugepages-\(kilobytes / 1024)Mi" : "hugepages-\(kilobytes)Ki",
                    kilobytes * count * 1024
                )
            }, uniquingKeysWith: { $1 })
    }

    static func memoryTotal(_ meminfo: String) -> Whole { field("MemTotal:", meminfo) * 1024 }

    private static func field(_ name: String, _ text: String) -> Whole {
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix(name) }
        return line?.split(separator: " ").dropFirst().first.flatMap { Whole($0) } ?? 0
    }

    static func osImage(_ release: String) -> String {
        let line = release.split(whereSeparator: \.isNewline).first { $0.hasPrefix("PRETTY_NAME=") }
        return line.map { String($0.dropFirst("PRETTY_NAME=".count)).filter { $0 != "\"" } } ?? "Linux"
    }

    /// Size and free bytes, and free and total inodes, of the file system of a path.
    static func storage(_ path: String) -> (total: Whole, free: Whole, inodes: Whole, freeInodes: Whole)? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let unit = Whole(status.f_frsize)
        return (Whole(status.f_blocks) * unit, Whole(status.f_bavail) * unit, Whole(status.f_files), Whole(status.f_ffree))
    }

    /// Bytes that can be had without pushing anything out that is in use.
    static func availableMemory() -> Whole { field("MemAvailable:", Files.text("/proc/meminfo") ?? "") * 1024 }

    /// Threads and processes: those there are and those there may be.
    static func processes() -> (count: Whole, limit: Whole) {
        let load = (Files.text("/proc/loadavg") ?? "").split(separator: " ")
        let count = load.count > 3 ? load[3].split(separator: "/").last.flatMap { Whole($0) } ?? 0 : 0
        return (count, Whole(line("/proc/sys/kernel/pid_max")) ?? 0)
    }

    /// The node's capacity as quantities.
    func capacity(maxPods: Int) -> [String: String] {
        var capacity = [
            "cpu": String(cpus), "memory": "\(memory / 1024)Ki", "ephemeral-storage": "\(storage / 1024)Ki", "pods": String(maxPods),
        ]
        for (name, bytes) in hugePages { capacity[name] = bytes == 0 ? "0" : "\(bytes / (1 << 20))Mi" }
        return capacity
    }

    /// What pods may use, in milli-units: the capacity without what is set aside for the machine.
    func unreserved(_ configuration: KubeletConfiguration) -> [String: Whole] {
        var milli = ["cpu": cpus * 1000, "memory": memory * 1000, "ephemeral-storage": storage * 1000]
        for (name, bytes) in hugePages { milli[name] = bytes * 1000 }
        for reserved in [configuration.kubeReserved, configuration.systemReserved] {
            for (name, amount) in reserved { if let quantity = try? Quantity(amount) { milli[name, default: 0] -= quantity.milliValue } }
        }
        return milli.mapValues { max($0, 0) }
    }

    /// What of the memory pods may not ask for, in bytes, by kind.
    func setAside(_ configuration: KubeletConfiguration) -> [String: Whole] {
        var bytes = [MemoryTopology.kind: configuration.eviction.reserved(.memory, of: memory)]
        for reserved in [configuration.kubeReserved, configuration.systemReserved] {
            for (name, amount) in reserved where MemoryTopology.isKind(name) {
                if let quantity = try? Quantity(amount) { bytes[name, default: 0] += quantity.value }
            }
        }
        return bytes
    }

    /// What pods may ask for, in milli-units: also without what is kept free so that no pod has to go at once.
    func allocatable(_ configuration: KubeletConfiguration) -> [String: Whole] {
        var milli = unreserved(configuration)
        // Memory in huge pages is nobody's but who asks for those.
        for bytes in hugePages.values { milli["memory", default: 0] -= bytes * 1000 }
        milli["memory", default: 0] -= configuration.eviction.reserved(.memory, of: memory) * 1000
        milli["ephemeral-storage", default: 0] -= configuration.eviction.reserved(.nodeStorage, of: storage) * 1000
        return milli.mapValues { max($0, 0) }
    }
}
