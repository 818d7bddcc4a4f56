internal import OrderedCollections

/// The defaults that a table can say. One line: the type without `io.k8s.api.`, the field, the value. A `!` after the field: zero and false
/// count as absent too (the field is no pointer upstream). A `+`: OpenAPI tells it, as it does where upstream's source has it beside the
/// field. A `*`: OpenAPI tells it, and nothing more comes of it. An empty string counts as absent, but where the value is `""`.
enum DefaultTable {
    struct Entry: Sendable {
        var field: String
        /// What is filled in.
        var fallback: Fallback?
        /// What OpenAPI tells.
        var published: Value?
    }

    static let types: [String: [Entry]] = {
        var types: [String: [Entry]] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ").map(String.init)
            let mark = parts[1].last.flatMap { "!+*".contains($0) ? $0 : nil }
            let field = mark == nil ? parts[1] : String(parts[1].dropLast())
            let name = parts[0].hasPrefix("io.") ? parts[0] : "io.k8s.api." + parts[0]
            let value = value(parts[2])
            types[name, default: []].append(
                Entry(
                    field: field, fallback: mark == "*" ? nil : Fallback(value: value, replacesZero: mark == "!"),
                    published: mark == "+" || mark == "*" ? value : nil))
        }
        return types
    }()

    private static func value(_ text: String) -> Value {
        switch text {
        case "{}": .emptyObject
        case "null": .null
        case "\"\"": ""
        case "true": true
        case "false": false
        default:
            if text.hasPrefix("[") {
                .array(text.dropFirst().dropLast().split(separator: ",").map { .string(String($0)) })
            } else {
                Int64(text).map(Value.int) ?? .string(text)
            }
        }
    }

    private static let text = """
        core.v1.PodSpec restartPolicy Always
        core.v1.PodSpec dnsPolicy ClusterFirst
        core.v1.PodSpec schedulerName default-scheduler
        core.v1.PodSpec terminationGracePeriodSeconds 30
        core.v1.PodSpec securityContext {}
        core.v1.PodSpec containers []
        core.v1.PodTemplateSpec metadata {}
        core.v1.Container resources {}
        core.v1.Container terminationMessagePath /dev/termination-log
        core.v1.Container terminationMessagePolicy File
        core.v1.EphemeralContainer resources {}
        core.v1.EphemeralContainer terminationMessagePath /dev/termination-log
        core.v1.EphemeralContainer terminationMessagePolicy File
        core.v1.ContainerPort protocol+ TCP
        core.v1.Probe timeoutSeconds! 1
        core.v1.Probe periodSeconds! 10
        core.v1.Probe successThreshold! 1
        core.v1.Probe failureThreshold! 3
        core.v1.GRPCAction service+ ""
        core.v1.FileKeySelector optional+ false
        core.v1.HTTPGetAction path /
        core.v1.HTTPGetAction scheme HTTP
        core.v1.ObjectFieldSelector apiVersion v1
        core.v1.SecretVolumeSource defaultMode 420
        core.v1.ConfigMapVolumeSource defaultMode 420
        core.v1.DownwardAPIVolumeSource defaultMode 420
        core.v1.ProjectedVolumeSource defaultMode 420
        core.v1.ServiceAccountTokenProjection expirationSeconds 3600
        core.v1.HostPathVolumeSource type ""
        core.v1.ISCSIVolumeSource iscsiInterface+ default
        core.v1.ISCSIPersistentVolumeSource iscsiInterface+ default
        core.v1.RBDVolumeSource pool+ rbd
        core.v1.RBDVolumeSource user+ admin
        core.v1.RBDVolumeSource keyring+ /etc/ceph/keyring
        core.v1.RBDPersistentVolumeSource pool+ rbd
        core.v1.RBDPersistentVolumeSource user+ admin
        core.v1.RBDPersistentVolumeSource keyring+ /etc/ceph/keyring
        core.v1.AzureDiskVolumeSource cachingMode+ ReadWrite
        core.v1.AzureDiskVolumeSource kind+ Shared
        core.v1.AzureDiskVolumeSource fsType+ ext4
        core.v1.AzureDiskVolumeSource readOnly+ false
        core.v1.ScaleIOVolumeSource storageMode+ ThinProvisioned
        core.v1.ScaleIOVolumeSource fsType+ xfs
        core.v1.ScaleIOPersistentVolumeSource storageMode+ ThinProvisioned
        core.v1.ScaleIOPersistentVolumeSource fsType+ xfs
        core.v1.PersistentVolumeClaimSpec volumeMode Filesystem
        core.v1.PersistentVolumeClaimSpec resources {}
        core.v1.PersistentVolumeClaimStatus phase Pending
        core.v1.PersistentVolumeSpec persistentVolumeReclaimPolicy Retain
        core.v1.PersistentVolumeSpec volumeMode Filesystem
        core.v1.PersistentVolumeStatus phase Pending
        core.v1.ReplicationControllerSpec replicas+ 1
        core.v1.ReplicationControllerStatus replicas 0
        core.v1.Secret type Opaque
        core.v1.ServiceSpec sessionAffinity None
        core.v1.ServiceSpec type ClusterIP
        core.v1.ServicePort protocol+ TCP
        core.v1.ServiceStatus loadBalancer {}
        core.v1.EndpointPort protocol TCP
        core.v1.NamespaceStatus phase Active
        core.v1.LimitRangeSpec limits []
        core.v1.Event source {}
        core.v1.Event reportingComponent ""
        core.v1.Event reportingInstance ""
        discovery.v1.EndpointPort name ""
        discovery.v1.EndpointPort protocol TCP
        discovery.v1.Endpoint conditions {}
        apps.v1.DeploymentSpec replicas 1
        apps.v1.DeploymentSpec revisionHistoryLimit 10
        apps.v1.DeploymentSpec progressDeadlineSeconds 600
        apps.v1.DeploymentSpec strategy {}
        apps.v1.DeploymentStrategy type RollingUpdate
        apps.v1.ReplicaSetSpec replicas 1
        apps.v1.ReplicaSetSpec template {}
        apps.v1.ReplicaSetStatus replicas 0
        apps.v1.DaemonSetSpec revisionHistoryLimit 10
        apps.v1.DaemonSetSpec updateStrategy {}
        apps.v1.DaemonSetUpdateStrategy type RollingUpdate
        apps.v1.DaemonSetStatus currentNumberScheduled 0
        apps.v1.DaemonSetStatus numberMisscheduled 0
        apps.v1.DaemonSetStatus desiredNumberScheduled 0
        apps.v1.DaemonSetStatus numberReady 0
        apps.v1.StatefulSetSpec replicas 1
        apps.v1.StatefulSetSpec revisionHistoryLimit 10
        apps.v1.StatefulSetSpec podManagementPolicy OrderedReady
        apps.v1.StatefulSetSpec updateStrategy {}
        apps.v1.StatefulSetSpec serviceName ""
        apps.v1.StatefulSetSpec persistentVolumeClaimRetentionPolicy {}
        apps.v1.StatefulSetUpdateStrategy type RollingUpdate
        apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted Retain
        apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy whenScaled Retain
        apps.v1.StatefulSetStatus replicas 0
        apps.v1.StatefulSetStatus availableReplicas 0
        batch.v1.PodFailurePolicyOnPodConditionsPattern status True
        batch.v1.CronJobSpec concurrencyPolicy Allow
        batch.v1.CronJobSpec suspend false
        batch.v1.CronJobSpec successfulJobsHistoryLimit 3
        batch.v1.CronJobSpec failedJobsHistoryLimit 1
        batch.v1.CronJobSpec jobTemplate {}
        batch.v1.JobTemplateSpec metadata {}
        batch.v1.JobTemplateSpec spec {}
        autoscaling.v2.HorizontalPodAutoscalerStatus currentMetrics null
        core.v1.PersistentVolumeClaimTemplate metadata {}
        resource.v1.ResourceClaimTemplateSpec metadata {}
        resource.v1.ResourceClaimSpec devices {}
        resource.v1.AllocationResult devices {}
        resource.v1beta1.ResourceClaimTemplateSpec metadata {}
        resource.v1beta1.ResourceClaimSpec devices {}
        resource.v1beta1.AllocationResult devices {}
        resource.v1beta2.ResourceClaimTemplateSpec metadata {}
        resource.v1beta2.ResourceClaimSpec devices {}
        resource.v1beta2.AllocationResult devices {}
        autoscaling.v1.HorizontalPodAutoscalerSpec minReplicas 1
        autoscaling.v1.HorizontalPodAutoscalerStatus currentReplicas 0
        autoscaling.v1.HorizontalPodAutoscalerStatus desiredReplicas 0
        autoscaling.v1.ScaleStatus replicas 0
        autoscaling.v2.HorizontalPodAutoscalerSpec minReplicas 1
        autoscaling.v2.HorizontalPodAutoscalerStatus desiredReplicas 0
        networking.v1.NetworkPolicyPort protocol TCP
        networking.v1.NetworkPolicySpec podSelector {}
        networking.v1.IngressClassParametersReference scope Cluster
        networking.v1.IngressStatus loadBalancer {}
        policy.v1.PodDisruptionBudgetStatus disruptionsAllowed 0
        policy.v1.PodDisruptionBudgetStatus currentHealthy 0
        policy.v1.PodDisruptionBudgetStatus desiredHealthy 0
        policy.v1.PodDisruptionBudgetStatus expectedPods 0
        rbac.v1.RoleRef apiGroup rbac.authorization.k8s.io
        scheduling.v1.PriorityClass preemptionPolicy PreemptLowerPriority
        scheduling.v1.PriorityClass value 0
        storage.v1.StorageClass reclaimPolicy Delete
        storage.v1.StorageClass volumeBindingMode Immediate
        storage.v1.CSIDriverSpec attachRequired true
        storage.v1.CSIDriverSpec podInfoOnMount false
        storage.v1.CSIDriverSpec storageCapacity false
        storage.v1.CSIDriverSpec fsGroupPolicy ReadWriteOnceWithFSType
        storage.v1.CSIDriverSpec volumeLifecycleModes [Persistent]
        storage.v1.CSIDriverSpec requiresRepublish false
        storage.v1.CSIDriverSpec seLinuxMount false
        storage.v1.VolumeAttachmentStatus attached false
        admissionregistration.v1.ServiceReference port 443
        admissionregistration.v1.RuleWithOperations scope *
        admissionregistration.v1.NamedRuleWithOperations scope *
        admissionregistration.v1.MutatingWebhook failurePolicy Fail
        admissionregistration.v1.MutatingWebhook matchPolicy Equivalent
        admissionregistration.v1.MutatingWebhook namespaceSelector {}
        admissionregistration.v1.MutatingWebhook objectSelector {}
        admissionregistration.v1.MutatingWebhook timeoutSeconds 10
        admissionregistration.v1.MutatingWebhook reinvocationPolicy Never
        admissionregistration.v1.ValidatingWebhook failurePolicy Fail
        admissionregistration.v1.ValidatingWebhook matchPolicy Equivalent
        admissionregistration.v1.ValidatingWebhook namespaceSelector {}
        admissionregistration.v1.ValidatingWebhook objectSelector {}
        admissionregistration.v1.ValidatingWebhook timeoutSeconds 10
        admissionregistration.v1.ValidatingAdmissionPolicySpec failurePolicy Fail
        admissionregistration.v1.MutatingAdmissionPolicySpec failurePolicy Fail
        admissionregistration.v1.MatchResources matchPolicy Equivalent
        admissionregistration.v1.MatchResources namespaceSelector {}
        admissionregistration.v1.MatchResources objectSelector {}
        authentication.v1.TokenRequestSpec expirationSeconds 3600
        flowcontrol.v1.FlowSchemaSpec matchingPrecedence! 1000
        flowcontrol.v1.LimitedPriorityLevelConfiguration nominalConcurrencyShares 30
        flowcontrol.v1.LimitedPriorityLevelConfiguration lendablePercent 0
        flowcontrol.v1.ExemptPriorityLevelConfiguration nominalConcurrencyShares 0
        flowcontrol.v1.ExemptPriorityLevelConfiguration lendablePercent 0
        flowcontrol.v1.QueuingConfiguration queues! 64
        flowcontrol.v1.QueuingConfiguration handSize! 8
        flowcontrol.v1.QueuingConfiguration queueLengthLimit! 50
        resource.v1.ExactDeviceRequest allocationMode ExactCount
        resource.v1.DeviceSubRequest allocationMode ExactCount
        resource.v1beta2.ExactDeviceRequest allocationMode ExactCount
        resource.v1beta2.DeviceSubRequest allocationMode ExactCount
        resource.v1beta1.DeviceSubRequest allocationMode ExactCount
        resource.v1.DeviceToleration operator+ Equal
        resource.v1beta2.DeviceToleration operator+ Equal
        resource.v1beta1.DeviceToleration operator+ Equal
        resource.v1alpha3.ResourcePoolStatusRequestSpec limit+ 100
        scheduling.v1alpha2.PodGroupSpec disruptionMode+ Pod
        io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference port 443
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference port 443
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion strategy None
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec conversion {}
        autoscaling.v1.ScaleSpec replicas* 0
        certificates.v1beta1.PodCertificateRequestSpec maxExpirationSeconds* 86400
        core.v1.ConfigMapEnvSource name* ""
        core.v1.ConfigMapKeySelector name* ""
        core.v1.ConfigMapProjection name* ""
        core.v1.ConfigMapVolumeSource name* ""
        core.v1.LocalObjectReference name* ""
        core.v1.ReplicationControllerSpec minReadySeconds* 0
        core.v1.SecretEnvSource name* ""
        core.v1.SecretKeySelector name* ""
        core.v1.SecretProjection name* ""
        """
}

/// The default of one field.
struct Fallback: Sendable {
    var value: Value
    /// Whether zero and false count as absent, too.
    var replacesZero: Bool

    func applies(to value: Value?) -> Bool {
        switch value {
        case nil, .null?: true
        case .string(let text)?: text.isEmpty
        case .int(0)?, .bool(false)?: replacesZero
        default: false
        }
    }
}
