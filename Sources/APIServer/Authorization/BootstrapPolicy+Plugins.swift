extension BootstrapPolicy {
    /// What the components need that run plugins: to see what is asked of them, and to say how it went. Writing Plugins is for
    /// cluster-admin alone. Nodes have these rules from their authorizer.
    static let pluginRoles = """
        role system:plugin-host
          get,list,watch plugins.apus.dev plugins
          patch,update plugins.apus.dev plugins/status
          create,patch,update core,events.k8s.io events
        """

    static let pluginBinding =
        "bind system:plugin-host ClusterRole:system:plugin-host user=system:kube-controller-manager user=system:kube-scheduler user=system:kube-proxy"
}
