import APIModel

/// The members of the chain in upstream's order.
enum Admission {
    static let members: [any AdmissionMember] = [
        NamespaceLifecycle(), ServiceAccountAdmission(), NodeRestriction(), PriorityAdmission(), DefaultTolerationSeconds(),
        DefaultStorageClass(), RuntimeClass(), CertificateApproval(), CertificateSigning(), ClusterTrustBundleAttest(),
        CertificateSubjectRestriction(),
    ]
}
