internal import OrderedCollections

/// What an object of a kind has before anything is written to it: the fields that are always there, because they are required or because
/// the type holds them by value. They are nobody's merit, so whoever creates an object does not own them.
enum ZeroObject {
    /// Fields that are always there without being required, beside `metadata`, `spec` and `status`.
    private static let held = words(
        """
        apps.v1.DaemonSetSpec.updateStrategy apps.v1.DeploymentSpec.strategy apps.v1.ReplicaSetSpec.template
        apps.v1.StatefulSetSpec.updateStrategy core.v1.Container.resources core.v1.ContainerStatus.state core.v1.ContainerStatus.lastState
        core.v1.Event.source core.v1.NodeDaemonEndpoints.kubeletEndpoint core.v1.NodeStatus.daemonEndpoints core.v1.NodeStatus.nodeInfo
        core.v1.PersistentVolumeClaimSpec.resources core.v1.PodTemplate.template core.v1.ServiceStatus.loadBalancer
        discovery.v1.Endpoint.conditions events.v1.Event.regarding events.v1.Event.deprecatedSource
        flowcontrol.v1.LimitedPriorityLevelConfiguration.limitResponse networking.v1.IngressServiceBackend.port
        networking.v1.IngressStatus.loadBalancer networking.v1.NetworkPolicySpec.podSelector resource.v1beta1.AllocationResult.devices
        resource.v1beta1.ResourceClaimSpec.devices resource.v1beta2.AllocationResult.devices resource.v1beta2.ResourceClaimSpec.devices
        resource.v1.AllocationResult.devices resource.v1.ResourceClaimSpec.devices apps.v1.StatefulSetSpec.serviceName
        apps.v1.StatefulSetStatus.availableReplicas core.v1.Event.reportingComponent core.v1.Event.reportingInstance
        flowcontrol.v1.FlowSchemaSpec.matchingPrecedence policy.v1.PodDisruptionBudgetStatus.disruptionsAllowed
        policy.v1.PodDisruptionBudgetStatus.currentHealthy policy.v1.PodDisruptionBudgetStatus.desiredHealthy
        policy.v1.PodDisruptionBudgetStatus.expectedPods rbac.v1.RoleRef.apiGroup scheduling.v1.PriorityClass.value
        """)
    private static let heldByName: Set = ["metadata", "spec", "status"]

    private static func words(_ text: String) -> Set<String> {
        Set(text.split(whereSeparator: \.isWhitespace).map { "io.k8s.api.\($0)" })
    }

    /// Nothing, for custom kinds.
    static func of(_ schema: TypeSchema) -> Value {
        guard schema.custom == nil else { return .emptyObject }
        var fields: Value.Fields = [:]
        for field in schema.fields {
            let isHeld = field.isRequired || held.contains("\(schema.name).\(field.name)")
            switch field.type {
            case .object(let reference):
                if isHeld || heldByName.contains(field.name) { fields[field.name] = reference.schema.merging.zero }
            default: if isHeld { fields[field.name] = zero(field.type) }
            }
        }
        return .object(fields)
    }

    private static func zero(_ type: FieldType) -> Value {
        switch type {
        case .string: ""
        case .boolean: false
        case .int32, .int64: 0
        case .double: .double(0)
        case .quantity: "0"
        case .intOrString: 0
        default: .null
        }
    }
}
