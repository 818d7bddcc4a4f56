import APIModel
import Testing

@testable import Scheduler

/// What a KubeSchedulerConfiguration says, and what is wrong with one, in upstream's words.
@Suite struct SchedulerConfigurationTests {
    private static func file(_ rest: String) -> String {
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n" + rest
    }

    private static func plugins(_ rest: String) -> String { file("profiles: [{plugins: \(rest)}]") }
    private static func arguments(_ name: String, _ rest: String) -> String {
        file("profiles: [{pluginConfig: [{name: \(name), args: \(rest)}]}]")
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let text: String
        let problem: String
        var testDescription: String { problem }

        init(_ text: String, _ problem: String) { (self.text, self.problem) = (text, problem) }
    }

    private static let argumentPath = "profiles[0].pluginConfig[0].args"
    private static let creating = "creating profile for scheduler name default-scheduler: "

    static let wrong = [
        Wrong(
            "apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration",
            "no kind \"KubeSchedulerConfiguration\" is registered for version \"kubescheduler.config.k8s.io/v1beta3\": expected KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1"
        ),
        Wrong(file("profile: []"), "unknown field \"profile\""),
        Wrong(file("extenders: [{urlPrefix: x}]"), "extenders: there are no extenders here: a scheduler policy takes their place"),
        Wrong(file("percentageOfNodesToScore: 101"), "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]"),
        Wrong(
            file("podInitialBackoffSeconds: 0\npodMaxBackoffSeconds: -1"),
            "[podInitialBackoffSeconds: Invalid value: 0: must be greater than 0, podMaxBackoffSeconds: Invalid value: -1: must be greater than or equal to PodInitialBackoffSeconds]"
        ),
        Wrong(
            file("leaderElection: {resourceLock: endpoints}"),
            "leaderElection.resourceLock: Invalid value: \"endpoints\": resourceLock value must be \"leases\""),
        Wrong(file("profiles: [{}, {schedulerName: b}]"), "profiles[0].schedulerName: Required value"),
        Wrong(
            file("profiles: [{schedulerName: a}, {schedulerName: a}]"),
            "profiles[1].schedulerName: Duplicate value: \"profiles[0].schedulerName\""),
        Wrong(
            plugins("{filter: {enabled: [{name: PrioritySort}]}}"), creating + "plugin \"PrioritySort\" does not extend FilterPlugin plugin"
        ),
        Wrong(
            plugins("{score: {enabled: [{name: ImageLocality}, {name: ImageLocality}]}}"),
            creating + "plugin \"ImageLocality\" already registered as \"ScorePlugin\""),
        Wrong(
            plugins("{multiPoint: {enabled: [{name: mine}, {name: mine}]}}"),
            creating + "plugin \"mine\" already registered as \"PreFilterPlugin\""),
        Wrong(
            plugins("{queueSort: {disabled: [{name: '*'}]}}"),
            creating + "only one queue sort plugin required for profile with scheduler name \"default-scheduler\", but got 0"),
        Wrong(
            plugins("{queueSort: {enabled: [{name: mine}]}}"),
            creating + "only one queue sort plugin required for profile with scheduler name \"default-scheduler\", but got 2"),
        Wrong(
            plugins("{queueSort: {enabled: [{name: mine}, {name: yours}], disabled: [{name: '*'}]}}"),
            "profiles[0].plugins.queueSort.Enabled: Invalid value: 2: only one queue sort plugin can be enabled"),
        Wrong(
            file(
                "profiles: [{schedulerName: a}, {schedulerName: b, plugins: {queueSort: {enabled: [{name: mine}], disabled: [{name: '*'}]}}}]"
            ), "profiles[1].plugins.queueSort: Invalid value: [\"mine\"]: must be the same for all profiles"),
        Wrong(
            plugins("{bind: {disabled: [{name: DefaultBinder}]}}"),
            creating + "at least one bind plugin is needed for profile with scheduler name \"default-scheduler\""),
        Wrong(
            plugins("{score: {enabled: [{name: ImageLocality, weight: 2147483647}]}}"),
            creating + "score plugins: total score of Score plugins could overflow"),
        Wrong(
            plugins("{score: {enabled: [{name: ImageLocality, weight: -1}]}}"),
            "profiles[0].plugins.score.enabled[0].weight: Invalid value: -1: must have a positive weight applied to it"),
        Wrong(
            plugins("{filter: {enabled: [{name: EBSLimits}]}}"),
            "profiles[0].plugins.filter.enabled[0]: Invalid value: \"EBSLimits\": was invalid in version \"kubescheduler.config.k8s.io/v1\" (KubeSchedulerConfiguration is version \"kubescheduler.config.k8s.io/v1\")"
        ),
        Wrong(
            plugins("{preFilter: {disabled: [{name: NodePorts}]}}"), creating + "NodePorts cannot be on at filter and off at preFilter here"
        ),
        Wrong(
            plugins("{reserve: {disabled: [{name: '*'}]}}"),
            creating + "VolumeBinding is on at filter, reserve and preBind together, or at none of them, here"),
        Wrong(
            file("profiles: [{pluginConfig: [{name: NodeAffinity, args: {}}, {name: NodeAffinity, args: {}}]}]"),
            "profiles[0].pluginConfig[1]: Duplicate value: \"NodeAffinity\""),
        Wrong(arguments("NodeName", "{}"), "profiles[0].pluginConfig[0]: Invalid value: \"NodeName\": takes no arguments"),
        Wrong(
            arguments("InterPodAffinity", "{kind: NodeAffinityArgs}"),
            "decoding .profiles[0].pluginConfig[0]: args for plugin InterPodAffinity were not of type InterPodAffinityArgs.kubescheduler.config.k8s.io, got NodeAffinityArgs.kubescheduler.config.k8s.io"
        ),
        Wrong(arguments("InterPodAffinity", "{weight: 1}"), "unknown field \"\(argumentPath).weight\""),
        Wrong(
            arguments("InterPodAffinity", "{hardPodAffinityWeight: 101}"),
            "\(argumentPath).hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]"),
        Wrong(
            arguments("DefaultPreemption", "{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}"),
            "[\(argumentPath).minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, \(argumentPath).minCandidateNodesAbsolute: Invalid value: 0: cannot be zero at the same time as minCandidateNodesPercentage]"
        ),
        Wrong(
            arguments("VolumeBinding", "{bindTimeoutSeconds: -1}"),
            "\(argumentPath).bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value"),
        Wrong(
            arguments("NodeResourcesFit", "{ignoredResourceGroups: [a/b]}"),
            "\(argumentPath).ignoredResourceGroups[0]: Invalid value: \"a/b\": resource group name can't contain '/'"),
        Wrong(
            arguments("NodeResourcesFit", "{scoringStrategy: {type: Best}}"),
            "\(argumentPath).scoringStrategy.type: Unsupported value: \"Best\": supported values: \"LeastAllocated\", \"MostAllocated\", \"RequestedToCapacityRatio\""
        ),
        Wrong(
            arguments("NodeResourcesFit", "{scoringStrategy: {type: MostAllocated, resources: [{name: cpu, weight: 101}]}}"),
            "\(argumentPath).scoringStrategy.resources[0].weight: Invalid value: 101: resource weight of cpu not in valid range (0, 100]"),
        Wrong(
            arguments("NodeResourcesFit", "{scoringStrategy: {type: RequestedToCapacityRatio}}"),
            "\(argumentPath).scoringStrategy.requestedToCapacityRatio: Required value: must be specified when type is RequestedToCapacityRatio"
        ),
        Wrong(
            arguments(
                "NodeResourcesFit",
                "{scoringStrategy: {type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: [{utilization: 50, score: 11}, {utilization: 50, score: 0}]}}}"
            ),
            "[\(argumentPath).scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 50: values must be sorted in increasing order, \(argumentPath).scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11: not in valid range [0, 10]]"
        ),
        Wrong(
            arguments("NodeResourcesBalancedAllocation", "{resources: [{name: cpu}, {name: cpu, weight: 2}]}"),
            "[\(argumentPath).resources[1].name: Duplicate value: \"cpu\", \(argumentPath).resources[1].weight: Invalid value: 2: must be 1]"
        ),
        Wrong(
            arguments("PodTopologySpread", "{defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]}"),
            "\(argumentPath).defaultingType: Invalid value: \"System\": when .defaultConstraints are not empty"),
        Wrong(
            arguments("PodTopologySpread", "{defaultingType: List, defaultConstraints: [{topologyKey: zone, labelSelector: {}}]}"),
            "[\(argumentPath).defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf), \(argumentPath).defaultConstraints[0].whenUnsatisfiable: Required value: can not be empty, \(argumentPath).defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod]"
        ),
        Wrong(
            arguments(
                "NodeAffinity",
                "{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In}]}]}}}"
            ),
            "\(argumentPath).addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"
        ),
    ]

    @Test(arguments: wrong) func whatDoesNotDoIsRefused(_ row: Wrong) {
        #expect(throws: ConfigurationProblem(row.problem)) { try SchedulerConfiguration(row.text) }
    }

    @Test func policiesThatAreNotThereAreMissed() throws {
        let configuration = try SchedulerConfiguration(Self.plugins("{score: {enabled: [{name: mine, weight: 3}]}}"))
        #expect(throws: ConfigurationProblem(Self.creating + "ScorePlugin \"mine\" does not exist")) {
            try configuration.check(policies: ["other"])
        }
        try configuration.check(policies: ["mine"])
        #expect(configuration.profiles[0].weight(of: "mine") == 3 && configuration.profiles[0].weight(of: "other") == nil)
    }

    @Test func nothingSaidIsUpstreamsDefault() throws {
        let configuration = try SchedulerConfiguration(Self.file(""))
        #expect(configuration.profiles.map(\.schedulerName) == ["default-scheduler"])
        let profile = configuration.profiles[0]
        #expect(profile.json == SchedulerProfile.standard.json && profile.preempts && profile.heedsGates)
        #expect(profile.scores["TaintToleration"] == 3 && profile.scores["NodeResourcesFit"] == 1 && profile.filters.count == 14)
        #expect(profile.enough(of: 5000) == 5000)
    }

    @Test func whatAPointSaysComesFirst() throws {
        let text = Self.file(
            """
            percentageOfNodesToScore: 0
            profiles:
            - schedulerName: tight
              percentageOfNodesToScore: 30
              plugins:
                multiPoint:
                  enabled: [{name: NodeResourcesFit, weight: 5}]
                  disabled: [{name: ImageLocality}, {name: other}]
                score:
                  enabled: [{name: NodeAffinity, weight: 7}]
                  disabled: [{name: TaintToleration}]
                postFilter: {disabled: [{name: "*"}]}
            - schedulerName: bare
              plugins:
                multiPoint: {enabled: [{name: PrioritySort}, {name: DefaultBinder}, {name: NodeResourcesFit}], disabled: [{name: "*"}]}
            """)
        let configuration = try SchedulerConfiguration(text)
        let (tight, bare) = (configuration.profiles[0], configuration.profiles[1])
        #expect(tight.scores["NodeResourcesFit"] == 5 && tight.scores["NodeAffinity"] == 7)
        #expect(tight.scores["TaintToleration"] == nil && tight.scores["ImageLocality"] == nil && tight.filters.contains("TaintToleration"))
        #expect(!tight.preempts && !tight.asks("other", at: .filter) && tight.asks("another", at: .score))
        #expect(bare.filters == ["NodeResourcesFit"] && bare.scores == ["NodeResourcesFit": 1] && !bare.asks("another", at: .filter))
        // What is left of upstream's plugins is done wherever they are, unless the policy itself is kept out.
        for point in ExtensionPoint.allCases {
            #expect(tight.asks(InTreePlugin.policy, at: point) && bare.asks(InTreePlugin.policy, at: point))
        }
        // 30 %, and upstream's share: 50 % less one for each 125 Nodes, and 5 % at least.
        #expect(tight.enough(of: 1000) == 300 && tight.enough(of: 200) == 100 && tight.enough(of: 99) == 99)
        #expect(bare.enough(of: 1000) == 420 && bare.enough(of: 10_000) == 500)
    }

    @Test func backoffIsAsLongAsTheFileSays() throws {
        let configuration = try SchedulerConfiguration(Self.file("podInitialBackoffSeconds: 3\npodMaxBackoffSeconds: 20"))
        let queue = SchedulingQueue<Int>(initialBackoff: configuration.initialBackoff, mostBackoff: configuration.mostBackoff)
        #expect([1, 2, 3, 4, 90].map(queue.backoffTime) == [3000, 6000, 12_000, 20_000, 20_000])
    }

    @Test func theApiIsFoundWhereTheFileSays() throws {
        let configuration = try SchedulerConfiguration(
            Self.file("clientConnection: {kubeconfig: /etc/scheduler.conf}\nleaderElection: {leaderElect: false}"))
        #expect(configuration.kubeconfig == "/etc/scheduler.conf" && configuration.leaderElect == false)
    }
}
