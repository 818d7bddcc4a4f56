import APIModel

/// The members of the chain in upstream's order.
enum Admission {
    /// Those that are not at work unless somebody asks for them, as upstream.
    static let offByDefault: Set = ["AlwaysPullImages", "OwnerReferencesPermissionEnforcement", "DenyServiceExternalIPs"]

    /// New ones, for one registry.
    ///
    /// - Parameter webhooks: how those of configurations are asked.
    static func members(_ plugins: AdmissionPlugins, webhooks: WebhookClient) -> [any AdmissionMember] {
        all(webhooks).filter { plugins.isEnabled($0.name) }
    }

    fileprivate static func all(_ client: WebhookClient) -> [any AdmissionMember] {
        [
            NamespaceLifecycle(), LimitRanger(), ServiceAccountAdmission(), NodeRestriction(), TaintNodesByCondition(), AlwaysPullImages(),
            PodSecurity(), PriorityAdmission(), DefaultTolerationSeconds(), DefaultStorageClass(), OwnerReferencesPermissionEnforcement(),
            PersistentVolumeClaimResize(), RuntimeClass(), CertificateApproval(), CertificateSigning(), ClusterTrustBundleAttest(),
            CertificateSubjectRestriction(), DefaultIngressClass(), DenyServiceExternalIPs(), MutatingPolicies(), MutatingWebhooks(client),
            ValidatingPolicies(), ValidatingWebhooks(client), ResourceQuotaAdmission(),
        ]
    }
}

/// Which members of the admission chain are at work: those that are by default, but for what is said here.
public struct AdmissionPlugins: Sendable, Equatable {
    private var enabled: Set<String> = []
    private var disabled: Set<String> = []

    public init() {}

    /// Why a selection is none.
    public struct Problem: Error, Sendable, Equatable, CustomStringConvertible {
        public var description: String
    }

    /// - Throws: in upstream's words for a name that there is not, and for one on both sides.
    public init(enable: [String], disable: [String]) throws(Problem) {
        let known = Set(Admission.all(WebhookClient { _ in false }).map(\.name))
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
    }

    func isEnabled(_ name: String) -> Bool {
        !disabled.contains(name) && (enabled.contains(name) || !Admission.offByDefault.contains(name))
    }
}
