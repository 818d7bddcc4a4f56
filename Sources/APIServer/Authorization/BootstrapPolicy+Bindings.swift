extension BootstrapPolicy {
    /// Who has which of the roles from the start.
    static let bindings = """
        bind cluster-admin ClusterRole:cluster-admin group=system:masters
        bind system:basic-user ClusterRole:system:basic-user group=system:authenticated
        bind system:discovery ClusterRole:system:discovery group=system:authenticated
        bind system:kube-controller-manager ClusterRole:system:kube-controller-manager user=system:kube-controller-manager
        bind system:kube-dns ClusterRole:system:kube-dns account=kube-system/kube-dns
        bind system:kube-scheduler ClusterRole:system:kube-scheduler user=system:kube-scheduler
        bind system:monitoring ClusterRole:system:monitoring group=system:monitoring
        bind system:node ClusterRole:system:node
        bind system:node-proxier ClusterRole:system:node-proxier user=system:kube-proxy
        bind system:public-info-viewer ClusterRole:system:public-info-viewer group=system:authenticated group=system:unauthenticated
        bind system:service-account-issuer-discovery ClusterRole:system:service-account-issuer-discovery group=system:serviceaccounts
        bind system:volume-scheduler ClusterRole:system:volume-scheduler user=system:kube-scheduler
        bind kube-public/system:controller:bootstrap-signer Role:system:controller:bootstrap-signer account=kube-system/bootstrap-signer
        bind kube-system/system::extension-apiserver-authentication-reader Role:extension-apiserver-authentication-reader user=system:kube-controller-manager user=system:kube-scheduler
        bind kube-system/system::leader-locking-kube-controller-manager Role:system::leader-locking-kube-controller-manager user=system:kube-controller-manager account=kube-system/kube-controller-manager account=kube-system/leader-election-controller
        bind kube-system/system::leader-locking-kube-scheduler Role:system::leader-locking-kube-scheduler user=system:kube-scheduler account=kube-system/kube-scheduler
        bind kube-system/system:controller:bootstrap-signer Role:system:controller:bootstrap-signer account=kube-system/bootstrap-signer
        bind kube-system/system:controller:cloud-provider Role:system:controller:cloud-provider account=kube-system/cloud-provider
        bind kube-system/system:controller:token-cleaner Role:system:controller:token-cleaner account=kube-system/token-cleaner
        """
}
