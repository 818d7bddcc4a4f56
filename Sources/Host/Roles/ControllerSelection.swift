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
        "endpoints": ["endpoint"], "horizontalpodautoscaler": ["horizontal-pod-autoscaler-controller", "horizontalpodautoscaling"],
        "garbage-collector": ["garbagecollector"], "node-lifecycle": ["nodelifecycle"],
        "persistentvolumeclaim-protection": ["pvc-protection"], "persistentvolume-protection": ["pv-protection"],
        "node-ipam": ["nodeipam"],
        "persistentvolume-attach-detach": ["attachdetach"],
        "podgc": ["pod-garbage-collector-controller"],
        "resourceclaim": ["resource-claim-controller"],
        "root-ca": ["root-ca-certificate-publisher-controller", "root-ca-cert-publisher"],
        "service-lb": ["service"], "token-cleaner": ["tokencleaner"],
    ]

    static func names(of controller: String) -> [String] { [controller, "\(controller)-controller"] + (aliases[controller] ?? []) }

    /// - Parameters:
    ///   - words: of the flag, split at commas.
    ///   - known: the names of all controllers that have a manifest.
    /// - Throws: `StartupFailure` in upstream's words for a name that is not known.
    init(_ words: [String], known: [String]) throws {
        others = words.contains("*")
        let all = Set(known.flatMap(Self.names))
        for word in words where word != "*" {
            let name = word.hasPrefix("-") ? String(word.dropFirst()) : word
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
