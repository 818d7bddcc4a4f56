internal import ControllerCronJob
internal import ControllerDaemonSet
internal import ControllerDeployment
internal import ControllerDisruption
internal import ControllerHorizontalPodAutoscaler
internal import ControllerJob
internal import ControllerReplicaSet
internal import ControllerResourceClaim
internal import ControllerStatefulSet
internal import ControllerTTLAfterFinished
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controllers-workloads", version: "1.0.0",
    [
        .controller("replicaset", ReplicaSetController.self),
        .controller("replicationcontroller", ReplicationControllerController.self),
        .controller("deployment", DeploymentController.self),
        .controller("statefulset", StatefulSetController.self),
        .controller("daemonset", DaemonSetController.self),
        .controller("job", JobController.self),
        .controller("cronjob", CronJobController.self),
        .controller("ttl-after-finished", TTLAfterFinishedController.self),
        .controller("disruption", DisruptionController.self),
        .controller("horizontalpodautoscaler", HorizontalPodAutoscalerController.self),
        .controller("resourceclaim", ResourceClaimController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
