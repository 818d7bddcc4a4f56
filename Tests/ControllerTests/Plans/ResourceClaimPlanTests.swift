import APIModel
import PluginKit
import Testing

@testable import ControllerDeviceTaintEviction
@testable import ControllerResourceClaim

@Suite struct ResourceClaimPlanTests {
    // MARK: Which claims a Pod has

    private static let pod: Value = [
        "metadata": ["name": "p", "uid": "u"],
        "spec": ["resourceClaims": [["name": "a", "resourceClaimName": "shared"], ["name": "b", "resourceClaimTemplateName": "t"]]],
        "status": ["extendedResourceClaimStatus": ["resourceClaimName": "extra"]],
    ]

    @Test(
        arguments: [
            (["name": "a", "resourceClaimName": "c"], .null, .named("c")),
            (["name": "a", "resourceClaimTemplateName": "t"], .null, .missing(template: "t")),
            (["name": "a", "resourceClaimTemplateName": "t"], [["name": "b", "resourceClaimName": "x"]], .missing(template: "t")),
            (["name": "a", "resourceClaimTemplateName": "t"], [["name": "a", "resourceClaimName": "x"]], .made("x")),
            (["name": "a", "resourceClaimTemplateName": "t"], [["name": "a"]], .skipped),
            (["name": "a"], .null, .unknown),
        ] as [(Value, Value, PodResourceClaims.Found)])
    func find(entry: Value, statuses: Value, found: PodResourceClaims.Found) {
        #expect(PodResourceClaims.find(entry, of: ["status": ["resourceClaimStatuses": statuses]]) == found)
    }

    @Test func namesAreThoseThatAreKnown() {
        #expect(PodResourceClaims.names(of: Self.pod) == ["shared", "extra"])
        #expect(PodResourceClaims.names(of: ["spec": .emptyObject]).isEmpty)
    }

    @Test(
        arguments: [
            ("p", "c", "p-c-"), (String(repeating: "p", count: 50), "gpu", String(repeating: "p", count: 50) + "-gpu-"),
            (String(repeating: "p", count: 52), "gpus", String(repeating: "p", count: 51) + "-gpu"),
            (
                String(repeating: "p", count: 200), String(repeating: "c", count: 60),
                String(repeating: "p", count: 43) + "-" + String(repeating: "c", count: 13)
            ),
        ])
    func namePrefixes(pod: String, entry: String, prefix: String) { #expect(ClaimFromTemplate.namePrefix(pod, entry) == prefix) }

    @Test func aClaimHasWhatItsTemplateSays() {
        let template: Value = [
            "spec": ["metadata": ["labels": ["l": "1"], "annotations": ["a": "2"]], "spec": ["devices": ["requests": [["name": "r"]]]]]
        ]
        let claim = ClaimFromTemplate.make(template, "b", for: Self.pod)
        #expect(claim["spec"] == ["devices": ["requests": [["name": "r"]]]] && claim["metadata"]["labels"] == ["l": "1"])
        #expect(claim["metadata"]["annotations"] == ["a": "2", "resource.kubernetes.io/pod-claim-name": "b"])
        #expect(
            claim["metadata"]["ownerReferences"] == [["apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u", "controller": true]])
    }

    // MARK: What becomes of a claim

    private static func claim(reserved: [String], ours: Bool = true, allocated: Bool = true, ending: Bool = false, extra: Value? = nil)
        -> Value
    {
        let pods: [Value] = reserved.map { ["resource": "pods", "name": .string($0), "uid": .string($0)] }
        return [
            "metadata": [
                "finalizers": ours ? ["resource.kubernetes.io/delete-protection"] : ["other"], "deletionTimestamp": ending ? "now" : .null,
            ],
            "status": [
                "allocation": allocated ? ["devices": .emptyObject] : .null, "reservedFor": .array(pods + (extra.map { [$0] } ?? [])),
            ],
        ]
    }

    /// `left`: who is reserved for after that, `nil` where nothing is written.
    @Test(
        arguments: [
            (claim(reserved: ["a"]), nil, true, false, false),
            (claim(reserved: ["a", "gone"]), ["a"], true, false, false),
            (claim(reserved: ["gone"]), [], false, true, true),
            (claim(reserved: ["gone"], ours: false), [], true, false, true),
            (claim(reserved: ["gone"], allocated: false), [], false, true, true),
            // Reserved for nobody yet: a driver may have allocated it first.
            (claim(reserved: []), nil, true, false, true),
            (claim(reserved: [], ending: true), [], false, true, true),
            (claim(reserved: [], allocated: false, ending: true), nil, false, true, true),
            (claim(reserved: [], ours: false, ending: true), nil, true, false, true),
            (claim(reserved: ["a"], ending: true), nil, true, false, false),
            // What is not a Pod stays.
            (
                claim(reserved: ["gone"], extra: ["apiGroup": "example.com", "resource": "jobs", "name": "j", "uid": "j"]), ["j"], true,
                false, false
            ),
        ] as [(Value, [String]?, Bool, Bool, Bool)])
    func reservations(claim: Value, left: [String]?, allocated: Bool, removesFinalizer: Bool, isUnused: Bool) {
        let plan = Reservations(claim) { $0["name"].string != "gone" }
        #expect(plan.status.map { $0["reservedFor"].elements.compactMap(\.["name"].string) } == left)
        #expect((plan.status ?? claim["status"])["allocation"].isNull == !allocated)
        #expect(plan.removesFinalizer == removesFinalizer && plan.isUnused == isUnused)
    }

    // MARK: Taints of devices

    private static func slice(_ taints: [Value], generation: Int = 1, device: Value = "d") -> Value {
        [
            "metadata": ["creationTimestamp": .string(Timestamp.format(seconds: 50))],
            "spec": [
                "driver": "x", "pool": ["name": "pool", "generation": Value(generation)],
                "devices": [["name": device, "taints": .array(taints)]],
            ],
        ]
    }

    private static func taint(_ effect: Value = "NoExecute", key: Value = "k", at seconds: Whole? = 100) -> Value {
        ["key": key, "value": "v", "effect": effect, "timeAdded": Value(seconds.map { Timestamp.format(seconds: $0) })]
    }

    private static func toleration(_ seconds: Value = .null, key: Value = "k", operator op: Value = "Exists", value: Value = .null) -> Value
    {
        ["key": key, "operator": op, "value": value, "effect": "NoExecute", "tolerationSeconds": seconds]
    }

    @Test(
        arguments: [
            ([slice([taint()])], [], 100), ([slice([taint(at: nil)])], [], 50), ([slice([taint("NoSchedule")])], [], nil), ([], [], nil),
            ([slice([taint()], device: "other")], [], nil),
            ([slice([taint(at: 300), taint(at: 200)])], [], 200),
            // An older generation is not what the pool is now.
            ([slice([taint()]), slice([], generation: 2)], [], nil),
            ([slice([taint()], generation: 2), slice([])], [], 100),
            ([slice([taint()])], [toleration()], nil), ([slice([taint()])], [toleration(30)], 130),
            ([slice([taint()])], [toleration(30), toleration(10)], 110), ([slice([taint()])], [toleration(-5)], 100),
            ([slice([taint()])], [toleration(30), toleration()], nil),
            ([slice([taint()])], [toleration(key: "other")], 100), ([slice([taint()])], [toleration(key: .null)], nil),
            ([slice([taint()])], [toleration(operator: "Equal", value: "v")], nil),
            ([slice([taint()])], [toleration(operator: .null, value: "w")], 100),
            ([slice([taint()])], [toleration(operator: "Odd")], 100),
        ] as [([Value], [Value], Whole?)])
    func evictionTimes(slices: [Value], tolerations: [Value], time: Whole?) {
        let claim: Value = [
            "status": [
                "allocation": [
                    "devices": ["results": [["driver": "x", "pool": "pool", "device": "d", "tolerations": .array(tolerations)]]]
                ]
            ]
        ]
        #expect(DeviceTaints(slices).evictionTime(claim) == time)
    }
}
