import APIModel

/// Kinds of Kubernetes that are served and yet on their way out. Whoever asks for one is told so.
enum DeprecatedKinds {
    static func warning(_ kind: GroupVersionKind) -> String? { entries[kind]?.warning }

    /// The release that it goes with, empty where that is not known; `nil` for a kind that stays.
    static func removal(of kind: GroupVersionKind) -> String? { entries[kind]?.removal }

    /// Version and kind; since which release it is deprecated; with which it goes, if that is known; what stands in its place.
    private static let entries: [GroupVersionKind: (warning: String, removal: String)] = Dictionary(
        uniqueKeysWithValues: """
            v1 ComponentStatus 1.19
            v1 Endpoints 1.33 - discovery.k8s.io/v1 EndpointSlice
            admissionregistration.k8s.io/v1alpha1 MutatingAdmissionPolicy 1.35 1.38
            admissionregistration.k8s.io/v1alpha1 MutatingAdmissionPolicyBinding 1.35 1.38
            certificates.k8s.io/v1alpha1 ClusterTrustBundle 1.34 1.37
            coordination.k8s.io/v1alpha2 LeaseCandidate 1.35 1.38
            coordination.k8s.io/v1beta1 LeaseCandidate 1.36 1.39
            networking.k8s.io/v1beta1 IPAddress 1.34 1.37
            networking.k8s.io/v1beta1 ServiceCIDR 1.34 1.37
            resource.k8s.io/v1alpha3 DeviceTaintRule 1.36 1.39
            resource.k8s.io/v1beta1 DeviceClass 1.35 1.38
            resource.k8s.io/v1beta1 ResourceClaim 1.35 1.38
            resource.k8s.io/v1beta1 ResourceClaimTemplate 1.35 1.38
            resource.k8s.io/v1beta1 ResourceSlice 1.35 1.38
            resource.k8s.io/v1beta2 DeviceClass 1.36 1.39
            resource.k8s.io/v1beta2 ResourceClaim 1.36 1.39
            resource.k8s.io/v1beta2 ResourceClaimTemplate 1.36 1.39
            resource.k8s.io/v1beta2 ResourceSlice 1.36 1.39
            storage.k8s.io/v1beta1 VolumeAttributesClass 1.34 1.37 storage.k8s.io/v1 VolumeAttributesClass
            """.split(separator: "\n").compactMap { line -> (GroupVersionKind, (warning: String, removal: String))? in
                let words = line.split(separator: " ").map { String($0) }
                let removal = words.count > 3 && words[3] != "-" ? words[3] : ""
                var text = "\(words[0]) \(words[1]) is deprecated in v\(words[2])+"
                if !removal.isEmpty { text += ", unavailable in v\(removal)+" }
                if words.count > 5 { text += "; use \(words[4]) \(words[5])" }
                guard let version = GroupVersion(words[0]) else { return nil }
                return (GroupVersionKind(group: version.group, version: version.version, kind: words[1]), (text, removal))
            })
}
