import APIModel

/// Makes CRI's `ContainerConfig` of a container. Upstream: `generateContainerConfig`.
struct ContainerConfig {
    let pod: Pod
    let container: Value
    let restartCount: Whole
    /// The image to run, as the runtime told it, and what is known of it.
    let imageRef: String
    let image: Value
    let environment: [(name: String, value: String)]
    let mounts: [Value]
    /// Volumes without a file system, as CRI's `Device`s.
    var volumeDevices: [Value] = []
    let volumeGroups: [Whole]
    let configuration: KubeletConfiguration
    let memoryCapacity: Whole
    /// What plugins of devices want in it.
    var devices = DeviceOptions()
    /// The processors it runs on, where it is not to run on all.
    var cpus: CPUSet?
    /// The NUMA nodes its memory is of, where that is not to be of all.
    var memoryNodes: String?
    var hasOwnCPUs = false

    func message() throws(ConfigurationError) -> Value {
        if let violation = SecurityContext.nonRootViolation(of: container, in: pod, image: image) {
            throw ConfigurationError(message: violation)
        }
        let name = container.name
        let values = Dictionary(environment.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        let allDevices = devices.devices + volumeDevices
        var left = Expansion.limit
        func expanded(_ list: Value) throws(ConfigurationError) -> Value {
            var texts: [String] = []
            for element in list.elements {
                let text = try Expansion.expand(element.string ?? "", upTo: left) { values[$0] }
                left -= text.utf8.count
                texts.append(text)
            }
            return Value(texts)
        }
        return [
            "metadata": ["name": .string(name), "attempt": .int(restartCount)],
            "image": ["image": .string(imageRef), "user_specified_image": container["image"]],
            "command": try expanded(container["command"]),
            "args": try expanded(container["args"]),
            "working_dir": container["workingDir"],
            // What the pod says comes last, and counts.
            "envs": .array(
                (devices.environment.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } + environment).map { name, value in
                    ["key": .string(name), "value": .string(value)]
                }),
            "mounts": .array(devices.mounts + mounts),
            "devices": allDevices.isEmpty ? .null : .array(allDevices),
            "CDI_devices": devices.cdiDevices.isEmpty ? .null : .array(devices.cdiDevices),
            "labels": Value([Label.containerName: name, Label.podName: pod.name, Label.podNamespace: pod.namespace, Label.podUID: pod.uid]),
            "annotations": Value(devices.annotations.merging(annotations) { $1 }),
            "log_path": .string("\(name)/\(restartCount).log"),
            "stdin": .bool(container["stdin"].bool ?? false),
            "stdin_once": .bool(container["stdinOnce"].bool ?? false),
            "tty": .bool(container["tty"].bool ?? false),
            "stop_signal": .int(Self.signals[container[path: "lifecycle", "stopSignal"].string ?? ""] ?? 0),
            "linux": [
                "resources": resources,
                "security_context": SecurityContext.container(
                    container, in: pod, image: image, profileRoot: configuration.rootDirectory + "/seccomp",
                    seccompDefault: configuration.seccompDefault, volumeGroups: volumeGroups),
            ],
        ]
    }

    private var resources: Value {
        var linux = ContainerResources.linux(of: container, in: pod, memoryCapacity: memoryCapacity, hasOwnCPUs: hasOwnCPUs)
        if let cpus { linux["cpuset_cpus"] = .string(cpus.description) }
        if let memoryNodes { linux["cpuset_mems"] = .string(memoryNodes) }
        return linux
    }

    private var annotations: [String: String] {
        var annotations = [
            Annotation.hash: ContainerHash.hash(of: container),
            Annotation.restartCount: String(restartCount),
            Annotation.terminationMessagePath: container["terminationMessagePath"].string ?? "/dev/termination-log",
            Annotation.terminationMessagePolicy: container["terminationMessagePolicy"].string ?? "File",
        ]
        annotations[Annotation.resources] = String(decoding: JSON.encode(container["resources"]), as: UTF8.self)
        annotations[Annotation.podTerminationGracePeriod] = pod.spec["terminationGracePeriodSeconds"].int.map(String.init)
        annotations[Annotation.podDeletionGracePeriod] = pod.metadata["deletionGracePeriodSeconds"].int.map(String.init)
        if !container[path: "lifecycle", "preStop"].isNull {
            annotations[Annotation.preStopHandler] = String(decoding: JSON.encode(container[path: "lifecycle", "preStop"]), as: UTF8.self)
        }
        if !container["ports"].isEmpty { annotations[Annotation.ports] = String(decoding: JSON.encode(container["ports"]), as: UTF8.self) }
        return annotations
    }

    /// CRI numbers signals by the alphabet.
    private static let signals: [String: Whole] = Dictionary(
        uniqueKeysWithValues: ([
            "", "SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO", "SIGIOT",
            "SIGKILL", "SIGPIPE", "SIGPOLL",
            "SIGPROF",
            "SIGPWR", "SIGQUIT", "SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU",
            "SIGURG", "SIGUSR1", "SIGUSR2", "SIGVTALRM",
            "SIGWINCH", "SIGXCPU", "SIGXFSZ", "SIGRTMIN",
        ] + (1...15).map { "SIGRTMIN+\($0)" } + (1...14).reversed().map { "SIGRTMAX-\($0)" } + ["SIGRTMAX"]).enumerated().map {
            ($1, Whole($0))
        })
}
