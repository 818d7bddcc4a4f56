import APIModel
import Client

/// The members of the chain in upstream's order.
enum Admission {
    /// Those that are not at work unless somebody asks for them, as upstream.
    static let offByDefault: Set = [
        "AlwaysPullImages", EventRateLimit.name, "OwnerReferencesPermissionEnforcement", "DenyServiceExternalIPs",
        "NamespaceAutoProvision", "NamespaceExists", "LimitPodHardAntiAffinityTopology", "ExtendedResourceToleration",
        PodNodeSelector.name, PodTolerationRestriction.name, ImagePolicyWebhook.name, "AlwaysAdmit", "AlwaysDeny",
    ]

    /// Upstream's that are not here, with the feature of alpha quality that each belongs to.
    static let absent = [
        "PodGroupProtection": "GenericWorkload", "PodGroupWorkloadExists": "GenericWorkload", "JobValidation": "WorkloadWithJob",
    ]

    /// Those that a file may tell something.
    static let configurable: Set = [
        EventRateLimit.name, PodSecurity.name, PodNodeSelector.name, PodTolerationRestriction.name, ImagePolicyWebhook.name,
        ResourceQuotaAdmission.name, MutatingWebhooks.name, ValidatingWebhooks.name,
    ]

    /// New ones, for one registry.
    ///
    /// - Parameters:
    ///   - webhooks: how those of configurations are asked.
    ///   - source: whose admission plugins are asked.
    static func members(_ plugins: AdmissionPlugins, webhooks client: WebhookClient, source: (any AdmissionSource)? = nil)
        -> [any AdmissionMember]
    {
        let reviewers = PluginReviewerCache(source)
        let all: [any AdmissionMember] = [
            AlwaysAdmit(), NamespaceAutoProvision(), NamespaceLifecycle(), NamespaceExists(), LimitPodHardAntiAffinityTopology(),
            LimitRanger(), ServiceAccountAdmission(), NodeRestriction(), TaintNodesByCondition(), AlwaysPullImages(),
            plugins.imagePolicy, plugins.podSecurity, plugins.podNodeSelector, PriorityAdmission(), plugins.tolerationSeconds,
            plugins.podTolerations, plugins.eventRateLimit, ExtendedResourceToleration(), DefaultStorageClass(),
            StorageObjectInUseProtection(), OwnerReferencesPermissionEnforcement(), PersistentVolumeClaimResize(), RuntimeClass(),
            CertificateApproval(), CertificateSigning(), ClusterTrustBundleAttest(), CertificateSubjectRestriction(),
            DefaultIngressClass(), DenyServiceExternalIPs(), PodTopologyLabels(), NodeDeclaredFeatureValidator(), PodResizeValidator(),
            MutatingPolicies(), MutatingPlugins(reviewers), MutatingWebhooks(client.coming(as: plugins.mutatingWebhooks)),
            ValidatingPolicies(), ValidatingPlugins(reviewers),
            ValidatingWebhooks(client.coming(as: plugins.validatingWebhooks)), ResourceQuotaAdmission(plugins.limitedResources),
            AlwaysDeny(),
        ]
        return all.filter { plugins.isEnabled($0.name) }
    }
}

/// Which members of the admission chain are at work, and what they are told: those that are by default, but for what is said here.
public struct AdmissionPlugins: Sendable {
    private var enabled: Set<String> = []
    private var disabled: Set<String> = []
    fileprivate var podSecurity = PodSecurity()
    fileprivate var eventRateLimit = EventRateLimit()
    fileprivate var podNodeSelector = PodNodeSelector()
    fileprivate var podTolerations = PodTolerationRestriction()
    fileprivate var imagePolicy = ImagePolicyWebhook()
    fileprivate var tolerationSeconds = DefaultTolerationSeconds()
    fileprivate var limitedResources = LimitedResources()
    fileprivate var mutatingWebhooks = WebhookCredentials()
    fileprivate var validatingWebhooks = WebhookCredentials()

    public init() {}

    /// Why a selection is none.
    public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        public var description: String
    }

    /// - Throws: in upstream's words for a name that there is not, and for one on both sides; for one of upstream's that is not here, unless
    ///   it shall be off; for a configuration that is none.
    public init(enable: [String], disable: [String], configuration: AdmissionConfiguration = AdmissionConfiguration()) throws(Problem) {
        let known = Set(Admission.members(.all, webhooks: WebhookClient { _ in false }).map(\.name))
        for name in enable {
            guard let feature = Admission.absent[name] else { continue }
            throw Problem(
                description:
                    "enable-admission-plugins plugin \(FieldError.quoted(name)) belongs to the feature \(feature), which is not supported")
        }
        let disable = disable.filter { Admission.absent[$0] == nil }
        for (flag, names) in [("enable-admission-plugins", enable), ("disable-admission-plugins", disable)] {
            for name in names where !known.contains(name) {
                throw Problem(
                    description:
                        "\(flag) plugin \(FieldError.quoted(name)) is unknown; known are \(known.sorted().joined(separator: ", "))")
            }
        }
        (enabled, disabled) = (Set(enable), Set(disable))
        let both = enabled.intersection(disabled).sorted()
        guard both.isEmpty else {
            throw Problem(
                description: "\(both.joined(separator: ", ")) in enable-admission-plugins and disable-admission-plugins overlapped")
        }
        do {
            podSecurity = try PodSecurity(configuration[PodSecurity.name])
            if isEnabled(EventRateLimit.name) { eventRateLimit = try EventRateLimit(configuration[EventRateLimit.name]) }
            podNodeSelector = try PodNodeSelector(configuration[PodNodeSelector.name])
            podTolerations = try PodTolerationRestriction(configuration[PodTolerationRestriction.name])
            limitedResources = try LimitedResources(configuration[ResourceQuotaAdmission.name])
            mutatingWebhooks = try WebhookCredentials(configuration[MutatingWebhooks.name])
            validatingWebhooks = try WebhookCredentials(configuration[ValidatingWebhooks.name])
            if isEnabled(ImagePolicyWebhook.name) { imagePolicy = try ImagePolicyWebhook(configuration[ImagePolicyWebhook.name]) }
        } catch {
            throw Problem(description: "admission-control-config-file: \(error)")
        }
    }

    fileprivate static let all = {
        var plugins = AdmissionPlugins()
        plugins.enabled = Admission.offByDefault
        return plugins
    }()

    /// For how many seconds pods that do not say stay on a node that is lost.
    public mutating func setTolerationSeconds(notReady: Int64, unreachable: Int64) {
        tolerationSeconds = DefaultTolerationSeconds(notReady: notReady, unreachable: unreachable)
    }

    func isEnabled(_ name: String) -> Bool {
        !disabled.contains(name) && (enabled.contains(name) || !Admission.offByDefault.contains(name))
    }
}
