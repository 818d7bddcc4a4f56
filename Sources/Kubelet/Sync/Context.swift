import APIModel
import Client
import Logging

/// What every pod worker shares.
struct Context: Sendable {
    var configuration: KubeletConfiguration
    let client: any Client
    let cri: CRI
    let reader: PodRuntimeReader
    let images: Images
    let volumes: Volumes
    let disk: BlockingWork
    let events: any EventSink
    let statuses: StatusSender
    let machine: Machine
    let node: OwnNode
    let allocations: Allocations
    let devices: DeviceManager
    let claims: ClaimManager
    let cpus: CPUManager
    let memory: MemoryManager
    let pressure: PressureGauge
    let hostPorts: HostPorts
    /// `containerd`; another after the runtime was swapped.
    let runtimeName: @Sendable () -> String
    let features: @Sendable () -> RuntimeFeatures
    /// The services of a namespace.
    let services: @Sendable (_ namespace: String) -> [Value]
    let log: Logger
    let cpuRates = CPURates()
    let probeCounts = ProbeCounts()
    let shutdown = NodeShutdown()
    /// The pods that are left alone.
    var quarantine = Quarantine()
    /// Why pods get no network of their own; `nil` when they do.
    var networkProblem: @Sendable () -> String? = { nil }

    var admission: PodAdmission {
        PodAdmission(hasAppArmor: machine.hasAppArmor, features: features(), allowedSysctls: configuration.allowedUnsafeSysctls)
    }
    /// A pod has nothing of the node any more.
    func release(_ uid: String) {
        allocations.release(uid)
        devices.release(uid)
        cpus.release(uid)
        memory.release(uid)
    }
    var alignment: Alignment {
        Alignment(
            devices: devices, cpus: cpus, memory: memory, policy: configuration.topologyPolicy, scope: configuration.topologyScope)
    }
    var handler: Handler { Handler(cri: cri) }
    /// `kube-probe/1.36`
    func userAgent(_ purpose: String) -> String {
        let version = configuration.version.drop { $0 == "v" }.split(separator: ".")
        return "kube-\(purpose)/" + version.prefix(2).joined(separator: ".")
    }
    func fields(_ pod: Pod, ips: [String]) -> FieldReference {
        FieldReference(
            pod: pod, nodeName: configuration.nodeName, hostIPs: configuration.nodeAddresses, podIPs: ips,
            allocatable: machine.allocatable(configuration))
    }
}
