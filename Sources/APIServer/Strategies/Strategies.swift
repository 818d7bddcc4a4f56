import APIModel

/// The kinds that do more than the tables say.
enum Strategies {
    static func byCollection(services: ServiceAllocator, rbac: RBACAuthorizer, rootCA: String) -> [String: any Strategy] {
        [
            "/pods": PodStrategy(),
            "/services": ServiceStrategy(allocator: services),
            "/namespaces": NamespaceStrategy(),
            "/secrets": SecretStrategy(rootCA: rootCA),
            "apps/daemonsets": DaemonSetStrategy(),
            "batch/jobs": JobStrategy(),
            "batch/cronjobs": CronJobStrategy(),
            "/persistentvolumeclaims": PersistentVolumeClaimStrategy(),
            "/persistentvolumes": PersistentVolumeStrategy(),
            "apiextensions.k8s.io/customresourcedefinitions": CustomResourceDefinitionStrategy(),
            Aggregation.collection: APIServiceStrategy(),
            "plugins.apus.dev/plugins": PluginStrategy(),
            "resource.k8s.io/resourceclaims": DeviceClaimStrategy(),
            "resource.k8s.io/resourceclaimtemplates": DeviceClaimStrategy(),
            "certificates.k8s.io/certificatesigningrequests": CertificateSigningRequestStrategy(),
            "admissionregistration.k8s.io/mutatingwebhookconfigurations": WebhookConfigurationStrategy(),
            "admissionregistration.k8s.io/validatingwebhookconfigurations": WebhookConfigurationStrategy(),
            "admissionregistration.k8s.io/validatingadmissionpolicies": AdmissionPolicyStrategy(),
            "admissionregistration.k8s.io/mutatingadmissionpolicies": AdmissionPolicyStrategy(),
            "rbac.authorization.k8s.io/clusterroles": RoleStrategy(rbac: rbac),
            "rbac.authorization.k8s.io/roles": RoleStrategy(rbac: rbac),
            "rbac.authorization.k8s.io/clusterrolebindings": RoleBindingStrategy(rbac: rbac),
            "rbac.authorization.k8s.io/rolebindings": RoleBindingStrategy(rbac: rbac),
        ]
    }
}
