extension BootstrapPolicy {
    /// What the cluster's name server needs: to see what has names, and to keep the Service that it is reached by.
    static let clusterDNSRoles = """
        role system:cluster-dns
          get,list,watch core namespaces,pods,services
          get,list,watch discovery.k8s.io endpointslices
          get,list,watch core configmaps cluster-dns
          create,patch,update core,events.k8s.io events
        role kube-system/system:cluster-dns
          create core services
          create,delete,update discovery.k8s.io endpointslices
        """

    static let clusterDNSBindings = [
        "bind system:cluster-dns ClusterRole:system:cluster-dns user=system:cluster-dns",
        "bind kube-system/system:cluster-dns Role:system:cluster-dns user=system:cluster-dns",
    ]
}
