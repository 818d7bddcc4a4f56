import Foundation
import PluginHost
import Testing

@testable import Host

@Suite struct ControllerSelectionTests {
    private static let known = ["deployment", "podgc", "endpointslicemirroring", "token-cleaner"]

    @Test(
        arguments: [
            (["*"], [], []), (["*", "token-cleaner-controller"], ["token-cleaner"], []), (["*", "-podgc"], [], ["podgc"]),
            (["*", "-pod-garbage-collector-controller"], [], ["podgc"]),
            (["deployment-controller"], ["deployment"], ["podgc", "endpointslicemirroring", "token-cleaner"]),
            // What comes first of a name holds.
            (["-podgc", "podgc", "*"], [], ["podgc"]), (["*", "-route", "-svm", "clusterrole-aggregation"], [], []),
        ] as [([String], Set<String>, Set<String>)])
    func chooses(_ words: [String], _ enable: Set<String>, _ disable: Set<String>) throws {
        let selection = try ControllerSelection(words, known: Self.known)
        #expect(selection.enable == enable && selection.disable == disable && selection.others == words.contains("*"))
    }

    @Test(
        arguments: [
            ("nope", "\"nope\" is not in the list of known controllers"), ("-nope", "\"nope\" is not in the list of known controllers"),
            ("svm", "\"svm\": the feature StorageVersionMigrator is off"), ("node-route-controller", "there is no cloud provider"),
            ("-clusterrole-aggregation-controller", "its work is done by the API server"),
        ])
    func refuses(_ word: String, _ reason: String) {
        let problem = #expect(throws: StartupFailure.self) { try ControllerSelection(["*", word], known: Self.known) }
        #expect(problem?.message.contains(reason) == true)
    }

    private static let manifests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("plugin-manifests").path

    /// `kubectl describe` shows it, and who filters Events goes by it.
    @Test(
        arguments: [
            ("deployment", "deployment-controller"), ("job", "job-controller"), ("replicationcontroller", "replication-controller"),
            ("horizontalpodautoscaler", "horizontal-pod-autoscaler"), ("disruption", "controllermanager"),
            ("endpoints", "endpoint-controller"), ("endpointslice", "endpoint-slice-controller"),
            ("endpointslicemirroring", "endpoint-slice-mirroring-controller"), ("service-lb", "service-controller"),
            ("node-lifecycle", "node-controller"), ("node-ipam", "cidrAllocator"), ("taint-eviction", "taint-eviction-controller"),
            ("persistentvolume-binder", "persistentvolume-controller"), ("persistentvolume-attach-detach", "attachdetach-controller"),
            ("persistentvolume-expander", "volume_expand"), ("ephemeral-volume", "ephemeral_volume"), ("resourceclaim", "resource_claim"),
        ])
    func eventsAreFromWhomUpstreamsAre(controller: String, source: String) throws {
        #expect(try PluginManifest.read(directory: Self.manifests).first { $0.name == controller }?.eventSource == source)
    }

    /// Whoever brings a command line of upstream's along may turn off whatever they name in it.
    @Test func knowsEveryNameOfUpstream() throws {
        let known = try PluginManifest.read(directory: Self.manifests).filter { $0.kind == .controller }.map(\.name)
        for name in Self.upstream where !["clusterrole-aggregation", "validatingadmissionpolicy-status"].contains(name) {
            #expect(throws: Never.self, "\(name)") { try ControllerSelection(["*", "-\(name)-controller"], known: known) }
        }
        for alias in Self.aliases { #expect(throws: Never.self, "\(alias)") { try ControllerSelection(["*", "-\(alias)"], known: known) } }
    }

    /// Without `-controller`.
    private static let upstream = """
        bootstrap-signer certificatesigningrequest-approving certificatesigningrequest-cleaner certificatesigningrequest-signing
        cloud-node-lifecycle clusterrole-aggregation cronjob daemonset deployment device-taint-eviction disruption endpoints endpointslice
        endpointslice-mirroring ephemeral-volume garbage-collector horizontal-pod-autoscaler job
        kube-apiserver-serving-clustertrustbundle-publisher legacy-serviceaccount-token-cleaner namespace node-ipam node-lifecycle node-route
        persistentvolume-attach-detach persistentvolume-binder persistentvolume-expander persistentvolume-protection
        persistentvolumeclaim-protection pod-garbage-collector podcertificaterequest-cleaner podgroup-protection replicaset
        replicationcontroller resourceclaim resourcepoolstatusrequest resourcequota root-ca-certificate-publisher selinux-warning service-cidr
        service-lb serviceaccount serviceaccount-token statefulset storage-version-migrator storageversion-garbage-collector taint-eviction
        token-cleaner ttl-after-finished ttl validatingadmissionpolicy-status volumeattributesclass-protection
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let aliases = """
        daemonset statefulset replicaset deployment horizontalpodautoscaling job cronjob bootstrapsigner tokencleaner csrsigning csrapproving
        csrcleaner root-ca-cert-publisher service nodeipam nodelifecycle cloud-node-lifecycle route persistentvolume-binder attachdetach
        persistentvolume-expander ephemeral-volume endpoint replicationcontroller podgc resourcequota namespace serviceaccount ttl
        garbagecollector pvc-protection pv-protection ttl-after-finished legacy-service-account-token-cleaner storage-version-gc endpointslice
        endpointslicemirroring disruption resource-claim-controller serviceaccount-token svm
        """.split(whereSeparator: \.isWhitespace).map(String.init)
}
