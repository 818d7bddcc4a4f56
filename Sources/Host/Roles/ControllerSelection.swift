internal import PluginHost

/// `--controllers`: `*` is every controller that its manifest enables, `foo` is foo, `-foo` is not foo; what comes first of a name holds.
struct ControllerSelection: Equatable {
    var enable: Set<String> = []
    var disable: Set<String> = []
    /// Whether `*` is among the words: then controllers run, too, that have come through the API.
    var others = true

    /// What upstream calls them, beside our name with `-controller` behind it.
    private static let aliases: [String: [String]] = [
        "bootstrap-signer": ["bootstrapsigner"],
        "certificatesigningrequest-approving": ["csrapproving"], "certificatesigningrequest-cleaner": ["csrcleaner"],
        "certificatesigningrequest-signing": ["csrsigning"],
        "endpoints": ["endpoint"], "endpointslicemirroring": ["endpointslice-mirroring-controller"],
        "horizontalpodautoscaler": ["horizontal-pod-autoscaler-controller", "horizontalpodautoscaling"],
        "garbage-collector": ["garbagecollector"], "node-lifecycle": ["nodelifecycle"],
        "persistentvolumeclaim-protection": ["pvc-protection"], "persistentvolume-protection": ["pv-protection"],
        "legacy-serviceaccount-token-cleaner": ["legacy-service-account-token-cleaner"],
        "node-ipam": ["nodeipam"],
        "persistentvolume-attach-detach": ["attachdetach"],
        "podgc": ["pod-garbage-collector-controller"],
        "resourceclaim": ["resource-claim-controller"],
        "root-ca": ["root-ca-certificate-publisher-controller", "root-ca-cert-publisher"],
        "service-lb": ["service"], "token-cleaner": ["tokencleaner"],
    ]

    /// Why there is no such controller here, though upstream has it.
    private enum Absence {
        case workOfTheAPIServer
        case needsCloud
        /// Off by default in upstream, too.
        case needsFeature(String)

        /// What is wrong with asking for it, or for its absence.
        func problem(isWanted: Bool) -> String? {
            switch self {
            case .workOfTheAPIServer: isWanted ? nil : "its work is done by the API server, and cannot be turned off"
            case .needsCloud: isWanted ? "there is no cloud provider" : nil
            case .needsFeature(let name): isWanted ? "the feature \(name) is off" : nil
            }
        }
    }

    private static let absent: [(names: [String], why: Absence)] = [
        (["clusterrole-aggregation-controller", "clusterrole-aggregation"], .workOfTheAPIServer),
        (["validatingadmissionpolicy-status-controller"], .workOfTheAPIServer),
        (["cloud-node-lifecycle-controller", "cloud-node-lifecycle"], .needsCloud), (["node-route-controller", "route"], .needsCloud),
        (["kube-apiserver-serving-clustertrustbundle-publisher-controller"], .needsFeature("ClusterTrustBundle")),
        (["podcertificaterequest-cleaner-controller"], .needsFeature("PodCertificateRequest")),
        (["podgroup-protection-controller"], .needsFeature("GenericWorkload")),
        (["resourcepoolstatusrequest-controller"], .needsFeature("DRAResourcePoolStatus")),
        (["selinux-warning-controller"], .needsFeature("SELinuxMount")),
        (["storage-version-migrator-controller", "svm"], .needsFeature("StorageVersionMigrator")),
        (["storageversion-garbage-collector-controller", "storage-version-gc"], .needsFeature("StorageVersionAPI")),
    ]

    static func names(of controller: String) -> [String] { [controller, "\(controller)-controller"] + (aliases[controller] ?? []) }

    /// - Parameters:
    ///   - words: of the flag, split at commas.
    ///   - known: the names of all controllers that have a manifest.
    /// - Throws: `StartupFailure` in upstream's words for a name that is not known, and in ours for one of upstream's that is not to be had.
    init(_ words: [String], known: [String]) throws {
        others = words.contains("*")
        let all = Set(known.flatMap(Self.names))
        for word in words where word != "*" {
            let isWanted = !word.hasPrefix("-")
            let name = isWanted ? word : String(word.dropFirst())
            if let absent = Self.absent.first(where: { $0.names.contains(name) }) {
                if let problem = absent.why.problem(isWanted: isWanted) { throw StartupFailure("--controllers: \"\(name)\": \(problem)") }
                continue
            }
            guard all.contains(name) else {
                throw StartupFailure(
                    "--controllers: \"\(name)\" is not in the list of known controllers: \(known.sorted().joined(separator: ", "))")
            }
        }
        for controller in known {
            let names = Self.names(of: controller)
            if let word = words.first(where: { names.contains($0) || $0.hasPrefix("-") && names.contains(String($0.dropFirst())) }) {
                if word.hasPrefix("-") { disable.insert(controller) } else { enable.insert(controller) }
            } else if !others {
                disable.insert(controller)
            }
        }
    }

    /// Turns a controller on or off as the flag says.
    /// - Returns: why, where that is not as its manifest has it.
    @Sendable func adjust(_ manifest: inout PluginManifest) -> String? {
        let runs = enable.contains(manifest.name) || !disable.contains(manifest.name) && others && manifest.enabled
        guard runs != manifest.enabled else { return nil }
        manifest.enabled = runs
        return runs ? nil : "turned off by --controllers"
    }
}
