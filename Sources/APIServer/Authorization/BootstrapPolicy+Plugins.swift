extension BootstrapPolicy {
    /// What the components need that run plugins: to see what is asked of them, and to say how it went. Writing Plugins is for
    /// cluster-admin alone. Nodes have these rules from their authorizer.
    static let pluginRoles = """
        role system:plugin-host
          get,list,watch plugins.apus.dev plugins
          patch,update plugins.apus.dev plugins/status
          create,patch,update core,events.k8s.io events
        role system:node-controllers
          get,list,watch core namespaces,pods
          get,list,watch networking.k8s.io networkpolicies
        """

    /// The process of a proxy reads what the controllers of its node look at.
    static let pluginBindings = [
        "bind system:plugin-host ClusterRole:system:plugin-host user=system:kube-controller-manager user=system:kube-scheduler user=system:kube-proxy",
        "bind system:node-controllers ClusterRole:system:node-controllers user=system:kube-proxy",
    ]
}
