/// Demands on single fields: the type without `io.k8s.api.`, the field, the check. `Constraint` knows the checks; after `known` stand values
/// that others check and readers want to know; after `required` stands
/// what is said where the field is missing or empty.
enum ConstraintTable {
    static let types: [String: [Constraint]] = {
        var types: [String: [Constraint]] = [:]
        for words in lines where words[2] != "required" {
            types[full(words[0]), default: []].append(Constraint(field: words[1], words: Array(words.dropFirst(2))))
        }
        return types
    }()

    static let required: [String: [String: String]] = {
        var required: [String: [String: String]] = [:]
        for words in lines where words[2] == "required" {
            required[full(words[0]), default: [:]][words[1]] = words.dropFirst(3).joined(separator: " ")
        }
        return required
    }()

    private static let lines = text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }

    /// Fields that the schema calls required because Go writes them always, but that may well be empty.
    static let optional: [String: Set<String>] = {
        var optional: [String: Set<String>] = [:]
        for line in optionalText.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            optional[full(words[0])] = Set(words.dropFirst())
        }
        return optional
    }()

    private static func full(_ name: String) -> String { name.hasPrefix("io.") || name.hasPrefix("dev.") ? name : "io.k8s.api." + name }

    private static let optionalText = """
        core.v1.HTTPHeader value
        core.v1.TopologySelectorLabelRequirement key values
        core.v1.DownwardAPIVolumeFile path
        core.v1.ServiceAccountTokenProjection path
        core.v1.ObjectFieldSelector fieldPath
        core.v1.ResourceFieldSelector resource
        core.v1.PodOS name
        core.v1.PodSchedulingGate name
        core.v1.Taint key effect
        core.v1.Sysctl value
        core.v1.Event metadata involvedObject
        core.v1.LimitRangeSpec limits
        core.v1.Binding target
        core.v1.PodCertificateProjection keyType
        core.v1.NodeSystemInfo machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion kubeProxyVersion operatingSystem architecture
        core.v1.TypedLocalObjectReference kind name
        core.v1.TypedObjectReference kind name
        discovery.v1.ForZone name
        networking.v1.ServiceBackendPort number name
        authentication.v1.TokenReview spec
        authentication.v1.TokenReviewSpec token
        authentication.v1.TokenRequestSpec audiences
        authorization.v1.LocalSubjectAccessReview spec
        authorization.v1.SelfSubjectAccessReview spec
        authorization.v1.SelfSubjectRulesReview spec
        authorization.v1.SubjectAccessReview spec
        apps.v1.ReplicaSetSpec selector
        apps.v1.DeploymentSpec selector
        apps.v1.DaemonSetSpec selector
        apps.v1.StatefulSetSpec selector
        batch.v1.PodFailurePolicy rules
        events.v1.Event eventTime
        networking.v1.HTTPIngressPath pathType
        storage.v1.CSINodeSpec drivers
        storage.v1.TokenRequest audience
        rbac.v1.Role rules
        rbac.v1.ClusterRole rules
        rbac.v1.PolicyRule verbs
        scheduling.v1alpha2.PodGroupSpec schedulingPolicy
        scheduling.v1alpha2.PodGroupTemplate schedulingPolicy
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion conversionReviewVersions
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec versions
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion name
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition name type jsonPath
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale specReplicasPath statusReplicasPath
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField jsonPath
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule rule
        """

    private static let text = """
        dev.apus.plugins.v1alpha1.PluginSpec kind enum Admission Controller Proxy Runtime SchedulerPolicy
        dev.apus.plugins.v1alpha1.PluginSpec isolation enum None Process
        dev.apus.plugins.v1alpha1.PluginSpec mode enum Active Shadow
        dev.apus.plugins.v1alpha1.PluginSpec weight range 1 100
        dev.apus.plugins.v1alpha1.PluginSpec replaces dnsLabel
        dev.apus.plugins.v1alpha1.AdmissionSpec failurePolicy enum Fail Ignore
        dev.apus.plugins.v1alpha1.AdmissionSpec matchPolicy enum Equivalent Exact
        dev.apus.plugins.v1alpha1.AdmissionSpec reinvocationPolicy enum IfNeeded Never
        dev.apus.plugins.v1alpha1.AdmissionSpec phases each enum Mutate Validate
        dev.apus.plugins.v1alpha1.ControllerSpec workers range 1 64
        dev.apus.plugins.v1alpha1.ControllerWatch map enum Field Index Owner Ownership Plugin SameName Selector
        dev.apus.plugins.v1alpha1.ControllerWatch events each enum Added Deleted Modified
        dev.apus.plugins.v1alpha1.PolicyWatch events each enum Added Deleted Modified
        core.v1.PodSpec restartPolicy enum Always OnFailure Never
        core.v1.PodSpec dnsPolicy enum ClusterFirstWithHostNet ClusterFirst Default None
        core.v1.PodSpec preemptionPolicy enum PreemptLowerPriority Never
        core.v1.PodSpec activeDeadlineSeconds range 1 2147483647
        core.v1.PodSpec nodeName dnsSubdomain
        core.v1.PodSpec serviceAccountName dnsSubdomain
        core.v1.PodSpec hostname dnsLabel
        core.v1.PodSpec hostnameOverride dnsSubdomain
        core.v1.PodSpec subdomain dnsLabel
        core.v1.PodSpec priorityClassName dnsSubdomain
        core.v1.PodSpec runtimeClassName dnsSubdomain
        core.v1.PodSpec nodeSelector labels
        core.v1.PodSpec overhead quantities
        core.v1.PodReadinessGate conditionType qualifiedName
        core.v1.PodDNSConfig nameservers each ip
        core.v1.HostAlias ip ip
        core.v1.HostAlias hostnames each dnsSubdomain
        core.v1.Container name dnsLabel
        core.v1.Container imagePullPolicy enum Always IfNotPresent Never
        core.v1.Container terminationMessagePolicy enum File FallbackToLogsOnError
        core.v1.Container restartPolicy enum Always Never OnFailure
        core.v1.Container restartPolicyRules maxItems 20
        core.v1.ContainerResizePolicy resourceName enum cpu memory
        core.v1.ContainerResizePolicy restartPolicy enum NotRequired RestartContainer
        core.v1.FileKeySelector volumeName dnsLabel
        core.v1.FileKeySelector path relativePath
        core.v1.FileKeySelector key envName
        core.v1.ImageVolumeSource pullPolicy enum Always IfNotPresent Never
        core.v1.ContainerRestartRule action enum Restart RestartAllContainers
        core.v1.ContainerRestartRuleOnExitCodes operator enum In NotIn
        core.v1.ContainerRestartRuleOnExitCodes values maxItems 255
        core.v1.EphemeralContainer name dnsLabel
        core.v1.EphemeralContainer imagePullPolicy enum Always IfNotPresent Never
        core.v1.EphemeralContainer terminationMessagePolicy enum File FallbackToLogsOnError
        core.v1.ContainerPort name portName
        core.v1.ContainerPort containerPort portOrZero
        core.v1.ContainerPort hostPort portOrZero
        core.v1.ContainerPort protocol enum SCTP TCP UDP
        core.v1.EnvVar name envName
        core.v1.ConfigMapKeySelector key configMapKey
        core.v1.SecretKeySelector key configMapKey
        core.v1.ResourceRequirements limits quantities
        core.v1.ResourceRequirements requests quantities
        core.v1.Probe initialDelaySeconds atLeast 0
        core.v1.Probe timeoutSeconds atLeast 0
        core.v1.Probe periodSeconds atLeast 0
        core.v1.Probe successThreshold atLeast 0
        core.v1.Probe failureThreshold atLeast 0
        core.v1.Probe terminationGracePeriodSeconds atLeast 1
        core.v1.HTTPGetAction port portOrName
        core.v1.HTTPGetAction scheme enum HTTP HTTPS
        core.v1.TCPSocketAction port portOrName
        core.v1.GRPCAction port port
        core.v1.Volume name dnsLabel
        core.v1.VolumeMount mountPropagation enum Bidirectional HostToContainer None
        core.v1.VolumeMount recursiveReadOnly enum Disabled Enabled IfPossible
        core.v1.KeyToPath key configMapKey
        core.v1.KeyToPath path ownPath
        core.v1.KeyToPath mode range 0 511 must be a number between 0 and 0777 (octal), both inclusive
        core.v1.SecretVolumeSource defaultMode range 0 511 must be a number between 0 and 0777 (octal), both inclusive
        core.v1.ConfigMapVolumeSource defaultMode range 0 511 must be a number between 0 and 0777 (octal), both inclusive
        core.v1.DownwardAPIVolumeSource defaultMode range 0 511 must be a number between 0 and 0777 (octal), both inclusive
        core.v1.ProjectedVolumeSource defaultMode range 0 511 must be a number between 0 and 0777 (octal), both inclusive
        core.v1.ServiceAccountTokenProjection expirationSeconds atLeast 600 may not specify a duration less than 10 minutes
        core.v1.ServiceAccountTokenProjection expirationSeconds atMost 4294967296 may not specify a duration larger than 2^32 seconds
        core.v1.PodResourceClaim name dnsLabel
        core.v1.PodResourceClaim resourceClaimName dnsSubdomain
        core.v1.PodResourceClaim resourceClaimTemplateName dnsSubdomain
        core.v1.ConfigMapEnvSource name dnsSubdomain
        core.v1.SecretEnvSource name dnsSubdomain
        core.v1.EnvFromSource prefix envName
        core.v1.NFSVolumeSource path absolutePath
        core.v1.SecurityContext runAsUser range 0 2147483647
        core.v1.SecurityContext runAsGroup range 0 2147483647
        core.v1.SecurityContext procMount enum Default Unmasked
        core.v1.PodSecurityContext runAsUser range 0 2147483647
        core.v1.PodSecurityContext runAsGroup range 0 2147483647
        core.v1.PodSecurityContext fsGroup range 0 2147483647
        core.v1.PodSecurityContext supplementalGroups each range 0 2147483647
        core.v1.PodSecurityContext fsGroupChangePolicy enum Always OnRootMismatch
        core.v1.PodSecurityContext supplementalGroupsPolicy enum Merge Strict
        core.v1.SeccompProfile type enum Localhost RuntimeDefault Unconfined
        core.v1.SeccompProfile localhostProfile relativePath
        core.v1.AppArmorProfile type enum Localhost RuntimeDefault Unconfined
        core.v1.Toleration key qualifiedName
        core.v1.Toleration effect enum NoSchedule PreferNoSchedule NoExecute
        core.v1.TopologySpreadConstraint maxSkew atLeast 1
        core.v1.TopologySpreadConstraint minDomains atLeast 1
        core.v1.TopologySpreadConstraint topologyKey required can not be empty
        core.v1.TopologySpreadConstraint whenUnsatisfiable enum DoNotSchedule ScheduleAnyway
        core.v1.TopologySpreadConstraint nodeAffinityPolicy enum Honor Ignore
        core.v1.TopologySpreadConstraint nodeTaintsPolicy enum Honor Ignore
        core.v1.PodAffinityTerm namespaces each dnsLabel
        core.v1.WeightedPodAffinityTerm weight range 1 100 must be in the range 1-100
        core.v1.PreferredSchedulingTerm weight range 1 100 must be in the range 1-100
        core.v1.ServiceSpec type enum ClusterIP ExternalName LoadBalancer NodePort
        core.v1.ServiceSpec sessionAffinity enum ClientIP None
        core.v1.ServiceSpec selector labels
        core.v1.ServiceSpec externalIPs each ip
        core.v1.ServiceSpec externalTrafficPolicy enum Cluster Local
        core.v1.ServiceSpec internalTrafficPolicy enum Cluster Local
        core.v1.ServiceSpec ipFamilyPolicy enum PreferDualStack RequireDualStack SingleStack
        core.v1.ServiceSpec ipFamilies each enum IPv4 IPv6
        core.v1.ServiceSpec trafficDistribution enum PreferClose PreferSameZone PreferSameNode
        core.v1.ServicePort name dnsLabel
        core.v1.ServicePort port port
        core.v1.ServicePort nodePort range 0 65535
        core.v1.ServicePort protocol enum SCTP TCP UDP
        core.v1.ServicePort targetPort portOrName
        core.v1.ServicePort appProtocol qualifiedName
        core.v1.ClientIPConfig timeoutSeconds range 1 86400
        core.v1.EndpointAddress ip ip
        core.v1.EndpointAddress nodeName dnsSubdomain
        core.v1.EndpointPort port port
        core.v1.EndpointPort name dnsLabel
        core.v1.EndpointPort protocol enum SCTP TCP UDP
        core.v1.ReplicationControllerSpec replicas atLeast 0
        core.v1.ReplicationControllerSpec minReadySeconds atLeast 0
        core.v1.NodeSpec podCIDRs each cidr
        core.v1.PersistentVolumeClaimSpec volumeAttributesClassName dnsSubdomain
        networking.v1.IngressSpec ingressClassName dnsSubdomain
        core.v1.PersistentVolumeClaimSpec volumeMode enum Block Filesystem
        core.v1.PersistentVolumeClaimSpec accessModes all enum ReadOnlyMany ReadWriteMany ReadWriteOnce ReadWriteOncePod
        core.v1.PersistentVolumeClaimSpec storageClassName dnsSubdomain
        core.v1.PersistentVolumeSpec volumeMode enum Block Filesystem
        core.v1.PersistentVolumeSpec accessModes all enum ReadOnlyMany ReadWriteMany ReadWriteOnce ReadWriteOncePod
        core.v1.PersistentVolumeSpec persistentVolumeReclaimPolicy enum Delete Recycle Retain
        core.v1.PersistentVolumeSpec storageClassName dnsSubdomain
        core.v1.ResourceQuotaSpec hard quantities
        core.v1.ObjectReference name pathSegment
        apps.v1.DeploymentSpec replicas atLeast 0
        apps.v1.DeploymentSpec minReadySeconds atLeast 0
        apps.v1.DeploymentSpec revisionHistoryLimit atLeast 0
        apps.v1.DeploymentSpec progressDeadlineSeconds atLeast 0
        apps.v1.RollingUpdateDeployment maxUnavailable intOrPercent 100%
        apps.v1.RollingUpdateDeployment maxSurge intOrPercent
        apps.v1.ReplicaSetSpec replicas atLeast 0
        apps.v1.ReplicaSetSpec minReadySeconds atLeast 0
        apps.v1.DaemonSetSpec minReadySeconds atLeast 0
        apps.v1.DaemonSetSpec revisionHistoryLimit atLeast 0
        apps.v1.RollingUpdateDaemonSet maxUnavailable intOrPercent 100%
        apps.v1.RollingUpdateDaemonSet maxSurge intOrPercent 100%
        apps.v1.StatefulSetSpec replicas atLeast 0
        apps.v1.StatefulSetSpec minReadySeconds atLeast 0
        apps.v1.RollingUpdateStatefulSetStrategy partition atLeast 0
        apps.v1.RollingUpdateStatefulSetStrategy maxUnavailable intOrPercent 100%
        apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted enum Retain Delete
        apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy whenScaled enum Retain Delete
        apps.v1.StatefulSetOrdinals start atLeast 0
        apps.v1.ControllerRevision revision atLeast 0
        batch.v1.JobSpec parallelism atLeast 0
        batch.v1.JobSpec completions atLeast 0
        batch.v1.JobSpec activeDeadlineSeconds atLeast 0
        batch.v1.JobSpec backoffLimit atLeast 0
        batch.v1.JobSpec backoffLimitPerIndex atLeast 0
        batch.v1.JobSpec maxFailedIndexes atLeast 0
        batch.v1.JobSpec ttlSecondsAfterFinished atLeast 0
        batch.v1.JobSpec completionMode enum NonIndexed Indexed
        batch.v1.PodFailurePolicyRule action enum Count FailIndex FailJob Ignore
        batch.v1.PodFailurePolicyOnExitCodesRequirement operator enum In NotIn
        batch.v1.PodFailurePolicyOnPodConditionsPattern type qualifiedName
        batch.v1.PodFailurePolicyOnPodConditionsPattern status enum False True Unknown
        batch.v1.SuccessPolicyRule succeededCount atLeast 0
        batch.v1.CronJobSpec concurrencyPolicy enum Allow Forbid Replace
        batch.v1.CronJobSpec startingDeadlineSeconds atLeast 0
        batch.v1.CronJobSpec successfulJobsHistoryLimit atLeast 0
        batch.v1.CronJobSpec failedJobsHistoryLimit atLeast 0
        admissionregistration.v1.NamedRuleWithOperations operations known * CONNECT CREATE DELETE UPDATE
        admissionregistration.v1.RuleWithOperations operations known * CONNECT CREATE DELETE UPDATE
        admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec validationActions known Audit Deny Warn
        apps.v1.DaemonSetUpdateStrategy type known OnDelete RollingUpdate
        apps.v1.DeploymentStrategy type known Recreate RollingUpdate
        apps.v1.StatefulSetSpec podManagementPolicy known OrderedReady Parallel
        apps.v1.StatefulSetUpdateStrategy type known OnDelete RollingUpdate
        batch.v1.JobSpec podReplacementPolicy known Failed TerminatingOrFailed
        core.v1.AzureDiskVolumeSource cachingMode known None ReadOnly ReadWrite
        core.v1.AzureDiskVolumeSource kind known Dedicated Managed Shared
        core.v1.ModifyVolumeStatus status known InProgress Infeasible Pending
        core.v1.NamespaceStatus phase known Active Terminating
        core.v1.NodeSelectorRequirement operator known DoesNotExist Exists Gt In Lt NotIn
        core.v1.NodeStatus phase known Pending Running Terminated
        core.v1.PersistentVolumeClaimSpec accessModes known ReadOnlyMany ReadWriteMany ReadWriteOnce ReadWriteOncePod
        core.v1.PersistentVolumeClaimStatus accessModes known ReadOnlyMany ReadWriteMany ReadWriteOnce ReadWriteOncePod
        core.v1.PersistentVolumeClaimStatus phase known Bound Lost Pending
        core.v1.PersistentVolumeSpec accessModes known ReadOnlyMany ReadWriteMany ReadWriteOnce ReadWriteOncePod
        core.v1.PersistentVolumeStatus phase known Available Bound Failed Pending Released
        core.v1.PodStatus phase known Failed Pending Running Succeeded Unknown
        core.v1.PodStatus qosClass known BestEffort Burstable Guaranteed
        core.v1.PortStatus protocol known SCTP TCP UDP
        core.v1.ScopedResourceSelectorRequirement operator known DoesNotExist Exists In NotIn
        core.v1.Taint effect known NoExecute NoSchedule PreferNoSchedule
        core.v1.Toleration operator known Equal Exists Gt Lt
        networking.v1.IngressPortStatus protocol known SCTP TCP UDP
        networking.v1.NetworkPolicySpec policyTypes known Egress Ingress
        resource.v1.DeviceAllocationConfiguration source known FromClaim FromClass
        resource.v1.DeviceSubRequest allocationMode known All ExactCount
        resource.v1.DeviceTaint effect known NoExecute NoSchedule None
        resource.v1.DeviceToleration effect known NoExecute NoSchedule None
        resource.v1.DeviceToleration operator known Equal Exists
        resource.v1.ExactDeviceRequest allocationMode known All ExactCount
        autoscaling.v1.ScaleSpec replicas atLeast 0
        autoscaling.v1.HorizontalPodAutoscalerSpec minReplicas atLeast 1 must be greater than or equal to 1
        autoscaling.v2.HorizontalPodAutoscalerSpec minReplicas atLeast 1 must be greater than or equal to 1
        coordination.v1.LeaseSpec leaseDurationSeconds atLeast 1 must be greater than 0
        coordination.v1.LeaseSpec leaseTransitions atLeast 0
        discovery.v1.EndpointSlice addressType enum FQDN IPv4 IPv6
        discovery.v1.EndpointSlice endpoints maxItems 1000
        discovery.v1.EndpointSlice ports maxItems 100
        discovery.v1.Endpoint nodeName dnsSubdomain
        discovery.v1.Endpoint hostname dnsLabel
        discovery.v1.EndpointPort name dnsLabel
        discovery.v1.EndpointPort protocol enum SCTP TCP UDP
        discovery.v1.EndpointPort port port
        discovery.v1.EndpointPort appProtocol qualifiedName
        networking.v1.HTTPIngressPath pathType enum Exact ImplementationSpecific Prefix
        networking.v1.IngressServiceBackend name dnsLabel
        networking.v1.IngressTLS secretName dnsSubdomain
        networking.v1.IngressClassParametersReference scope enum Cluster Namespace
        networking.v1.NetworkPolicyPort protocol enum TCP UDP SCTP
        networking.v1.NetworkPolicyPort port portOrName
        networking.v1.NetworkPolicySpec policyTypes each enum Ingress Egress
        networking.v1.ServiceCIDRSpec cidrs each canonicalCIDR
        node.v1.RuntimeClass handler dnsLabel
        policy.v1.PodDisruptionBudgetSpec minAvailable intOrPercent 100%
        policy.v1.PodDisruptionBudgetSpec maxUnavailable intOrPercent 100%
        policy.v1.PodDisruptionBudgetSpec unhealthyPodEvictionPolicy enum AlwaysAllow IfHealthyBudget
        scheduling.v1.PriorityClass preemptionPolicy enum PreemptLowerPriority Never
        storage.v1.StorageClass reclaimPolicy enum Delete Retain
        storage.v1.StorageClass volumeBindingMode enum Immediate WaitForFirstConsumer
        storage.v1.CSIDriverSpec fsGroupPolicy enum File None ReadWriteOnceWithFSType
        storage.v1.CSIDriverSpec volumeLifecycleModes all enum Persistent Ephemeral
        storage.v1.TokenRequest expirationSeconds atLeast 600 may not specify a duration less than 10 minutes
        storage.v1.TokenRequest expirationSeconds atMost 4294967296 may not specify a duration larger than 2^32 seconds
        rbac.v1.RoleRef apiGroup enum rbac.authorization.k8s.io
        admissionregistration.v1.MutatingWebhook failurePolicy enum Fail Ignore
        admissionregistration.v1.MutatingWebhook matchPolicy enum Equivalent Exact
        admissionregistration.v1.MutatingWebhook sideEffects enum None NoneOnDryRun
        admissionregistration.v1.MutatingWebhook reinvocationPolicy enum IfNeeded Never
        admissionregistration.v1.ValidatingWebhook failurePolicy enum Fail Ignore
        admissionregistration.v1.ValidatingWebhook matchPolicy enum Equivalent Exact
        admissionregistration.v1.ValidatingWebhook sideEffects enum None NoneOnDryRun
        admissionregistration.v1.RuleWithOperations operations each enum * CONNECT CREATE DELETE UPDATE
        admissionregistration.v1.NamedRuleWithOperations operations each enum * CONNECT CREATE DELETE UPDATE
        admissionregistration.v1.NamedRuleWithOperations scope enum * Cluster Namespaced
        admissionregistration.v1.NamedRuleWithOperations resourceNames each pathSegment
        admissionregistration.v1.MatchResources matchPolicy enum Equivalent Exact
        admissionregistration.v1.ValidatingAdmissionPolicySpec failurePolicy enum Fail Ignore
        admissionregistration.v1.MutatingAdmissionPolicySpec failurePolicy enum Fail Ignore
        admissionregistration.v1.MutatingAdmissionPolicySpec reinvocationPolicy enum IfNeeded Never
        admissionregistration.v1.Mutation patchType enum ApplyConfiguration JSONPatch
        admissionregistration.v1.Validation reason enum Forbidden Invalid RequestEntityTooLarge
        admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec policyName dnsSubdomain
        admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec validationActions each enum Audit Deny Warn
        admissionregistration.v1.MutatingAdmissionPolicyBindingSpec policyName dnsSubdomain
        admissionregistration.v1.ParamRef name pathSegment
        admissionregistration.v1.ParamRef parameterNotFoundAction enum Allow Deny
        admissionregistration.v1.RuleWithOperations scope enum * Cluster Namespaced
        authentication.v1.TokenRequestSpec expirationSeconds range 600 4294967296
        flowcontrol.v1.PriorityLevelConfigurationSpec type enum Exempt Limited
        flowcontrol.v1.FlowSchemaSpec matchingPrecedence atLeast 1 must be a positive value
        flowcontrol.v1.FlowSchemaSpec matchingPrecedence atMost 10000 must not be greater than 10000
        flowcontrol.v1.PriorityLevelConfigurationReference name required must reference a priority level
        flowcontrol.v1.PriorityLevelConfigurationReference name dnsSubdomain
        flowcontrol.v1.PolicyRulesWithSubjects subjects required subjects must contain at least one value
        flowcontrol.v1.ResourcePolicyRule verbs required verbs must contain at least one value
        flowcontrol.v1.ResourcePolicyRule apiGroups required resource rules must supply at least one api group
        flowcontrol.v1.ResourcePolicyRule resources required resource rules must supply at least one resource
        flowcontrol.v1.NonResourcePolicyRule verbs required verbs must contain at least one value
        flowcontrol.v1.NonResourcePolicyRule nonResourceURLs required nonResourceURLs must contain at least one value
        flowcontrol.v1.LimitedPriorityLevelConfiguration nominalConcurrencyShares atLeast 0 must be a non-negative integer
        flowcontrol.v1.LimitedPriorityLevelConfiguration lendablePercent range 0 100
        flowcontrol.v1.LimitedPriorityLevelConfiguration borrowingLimitPercent atLeast 0 if specified, must be a non-negative integer
        flowcontrol.v1.ExemptPriorityLevelConfiguration nominalConcurrencyShares atLeast 0 must be a non-negative integer
        flowcontrol.v1.ExemptPriorityLevelConfiguration lendablePercent range 0 100
        flowcontrol.v1.LimitResponse type enum Queue Reject
        flowcontrol.v1.Subject kind enum Group ServiceAccount User
        certificates.v1.CertificateSigningRequestSpec expirationSeconds atLeast 600 may not specify a duration less than 600 seconds (10 minutes)
        core.v1.ReplicationControllerStatus replicas atLeast 0
        core.v1.ReplicationControllerStatus fullyLabeledReplicas atLeast 0
        core.v1.ReplicationControllerStatus readyReplicas atLeast 0
        core.v1.ReplicationControllerStatus availableReplicas atLeast 0
        core.v1.ReplicationControllerStatus observedGeneration atLeast 0
        apps.v1.DeploymentStatus observedGeneration atLeast 0
        apps.v1.DeploymentStatus replicas atLeast 0
        apps.v1.DeploymentStatus updatedReplicas atLeast 0
        apps.v1.DeploymentStatus readyReplicas atLeast 0
        apps.v1.DeploymentStatus availableReplicas atLeast 0
        apps.v1.DeploymentStatus unavailableReplicas atLeast 0
        apps.v1.DeploymentStatus terminatingReplicas atLeast 0
        apps.v1.DeploymentStatus collisionCount atLeast 0
        apps.v1.ReplicaSetStatus replicas atLeast 0
        apps.v1.ReplicaSetStatus fullyLabeledReplicas atLeast 0
        apps.v1.ReplicaSetStatus readyReplicas atLeast 0
        apps.v1.ReplicaSetStatus availableReplicas atLeast 0
        apps.v1.ReplicaSetStatus terminatingReplicas atLeast 0
        apps.v1.ReplicaSetStatus observedGeneration atLeast 0
        apps.v1.DaemonSetStatus currentNumberScheduled atLeast 0
        apps.v1.DaemonSetStatus numberMisscheduled atLeast 0
        apps.v1.DaemonSetStatus desiredNumberScheduled atLeast 0
        apps.v1.DaemonSetStatus numberReady atLeast 0
        apps.v1.DaemonSetStatus observedGeneration atLeast 0
        apps.v1.DaemonSetStatus updatedNumberScheduled atLeast 0
        apps.v1.DaemonSetStatus numberAvailable atLeast 0
        apps.v1.DaemonSetStatus numberUnavailable atLeast 0
        apps.v1.DaemonSetStatus collisionCount atLeast 0
        apps.v1.StatefulSetStatus replicas atLeast 0
        apps.v1.StatefulSetStatus readyReplicas atLeast 0
        apps.v1.StatefulSetStatus currentReplicas atLeast 0
        apps.v1.StatefulSetStatus updatedReplicas atLeast 0
        apps.v1.StatefulSetStatus availableReplicas atLeast 0
        apps.v1.StatefulSetStatus observedGeneration atLeast 0
        apps.v1.StatefulSetStatus collisionCount atLeast 0
        batch.v1.JobStatus active atLeast 0
        batch.v1.JobStatus succeeded atLeast 0
        batch.v1.JobStatus failed atLeast 0
        autoscaling.v1.HorizontalPodAutoscalerStatus currentReplicas atLeast 0
        autoscaling.v1.HorizontalPodAutoscalerStatus desiredReplicas atLeast 0
        autoscaling.v2.HorizontalPodAutoscalerStatus currentReplicas atLeast 0
        autoscaling.v2.HorizontalPodAutoscalerStatus desiredReplicas atLeast 0
        policy.v1.PodDisruptionBudgetStatus disruptionsAllowed atLeast 0
        policy.v1.PodDisruptionBudgetStatus currentHealthy atLeast 0
        policy.v1.PodDisruptionBudgetStatus desiredHealthy atLeast 0
        policy.v1.PodDisruptionBudgetStatus expectedPods atLeast 0
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec scope enum Cluster Namespaced
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec group dnsSubdomain
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames plural dns1035
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames singular dns1035
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames shortNames each dns1035
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames categories each dns1035
        io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion strategy enum None Webhook
        """
}
