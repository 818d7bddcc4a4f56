import APIModel
import OrderedCollections
import Testing

@testable import Scheduler

/// Which devices claims get on a Node that reaches them.
@Suite struct DeviceSearchTests {
    typealias Row = (
        what: String, slices: [Object], claims: [Object], taken: [String], expected: String
    )

    private static let two = Devices.slice("s", [gpu("d1", "red", 40), gpu("d2", "blue", 80)])
    private static let four = Devices.slice(
        "s", [gpu("d1", "red", 40), gpu("d2", "blue", 40), gpu("d3", "red", 80), gpu("d4", "blue", 80)])

    private static func gpu(_ name: String, _ model: String, _ memory: Int, _ rest: Value.Fields = [:]) -> Value {
        var value = Devices.device(name, ["model": ["string": .string(model)], "index": ["int": Value(memory)]], rest)
        if value["capacity"].isNull { value["capacity"] = ["memory": ["value": .string("\(memory)Gi")]] }
        return value
    }

    private static func claim(_ requests: Value..., constraints: [Value] = []) -> Object {
        Devices.claim("c", requests, constraints: constraints)
    }

    private static func has(_ expression: String) -> String { "device.attributes['gpu.example.com'].\(expression)" }

    private static let taint: Value.Fields = ["taints": [["key": "broken", "value": "yes", "effect": "NoSchedule"]]]
    private static let shared: Value.Fields = [
        "allowMultipleAllocations": true,
        "capacity": ["memory": ["value": "40Gi", "requestPolicy": ["default": "10Gi", "validRange": ["min": "5Gi", "step": "5Gi"]]]],
    ]
    private static func part(_ memory: String) -> Value.Fields { ["capacity": ["requests": ["memory": .string(memory)]]] }
    private static func partition(_ name: String, _ slices: Int) -> Value {
        Devices.device(
            name, .null,
            ["consumesCounters": [["counterSet": "card", "counters": ["slices": ["value": .string("\(slices)")]]]]])
    }
    private static let card = [
        Devices.slice("devices", pool: "p", count: 2, [partition("whole", 7), partition("big", 4), partition("small", 3)]),
        Devices.slice("counters", pool: "p", count: 2, [], counters: [["name": "card", "counters": ["slices": ["value": "7"]]]]),
    ]

    static let rows: [Row] = [
        ("the first that there is", [two], [claim(Devices.request("r"))], [], "r:d1"),
        ("not one that is somebody's", [two], [claim(Devices.request("r"))], ["d1"], "r:d2"),
        ("several", [two], [claim(Devices.request("r", nil, ["count": 2]))], [], "r:d1 r:d2"),
        ("more than there are", [two], [claim(Devices.request("r", nil, ["count": 3]))], [], "none"),
        (
            "two claims do not get one device", [two], [claim(Devices.request("r")), Devices.claim("d", [Devices.request("r")])], [],
            "r:d1; r:d2"
        ),
        ("as an expression says", [two], [claim(Devices.request("r", has("model == 'blue'")))], [], "r:d2"),
        (
            "by what it can hold", [two],
            [claim(Devices.request("r", "device.capacity['gpu.example.com'].memory.isGreaterThan(quantity('50Gi'))"))], [], "r:d2"
        ),
        ("nothing that would do", [two], [claim(Devices.request("r", has("model == 'green'")))], [], "none"),
        (
            "an attribute that it lacks", [two], [claim(Devices.request("r", has("speed > 1")))], [],
            "error: claim default/c: selector #0: CEL runtime error: no such key: speed"
        ),
        ("what is somebody's is not asked", [two], [claim(Devices.request("r", has("speed > 1")))], ["d1", "d2"], "none"),
        (
            "a request is met in another way where the first leaves too little", [two],
            [claim(Devices.request("any"), Devices.request("red", has("model == 'red'")))], [], "any:d2 red:d1"
        ),
        ("all", [two], [claim(Devices.request("r", nil, ["allocationMode": "All"]))], [], "r:d1 r:d2"),
        ("all, of which one is somebody's", [two], [claim(Devices.request("r", nil, ["allocationMode": "All"]))], ["d2"], "none"),
        ("all of none", [two], [claim(Devices.request("r", has("model == 'green'"), ["allocationMode": "All"]))], [], "none"),
        (
            "a mode of another version", [two], [claim(Devices.request("r", nil, ["allocationMode": "Half"]))], [],
            "error: claim default/c, request r: unsupported count mode Half"
        ),
        (
            "all of a pool that is being changed", [Devices.slice("s", count: 2, [gpu("d1", "red", 40)])],
            [claim(Devices.request("r", nil, ["allocationMode": "All"]))], [],
            "error: claim default/c, request r: asks for all devices, but resource pool gpu.example.com/s is currently being updated"
        ),
        (
            "one of a pool that is being changed", [Devices.slice("s", count: 2, [gpu("d1", "red", 40)])], [claim(Devices.request("r"))],
            [], "none"
        ),
        (
            "one of a pool that contradicts itself", [Devices.slice("s", [gpu("d1", "red", 40), gpu("d1", "red", 40)])],
            [claim(Devices.request("r"))], [], "not here: invalid resource pools were encountered"
        ),
        (
            "of the newest generation",
            [
                Devices.slice("s", pool: "p", [gpu("old", "red", 40)]),
                Devices.slice("t", pool: "p", generation: 2, [gpu("new", "red", 40)]),
            ],
            [claim(Devices.request("r"))], [], "r:new"
        ),
        (
            "too many", [two], [claim(Devices.request("r", nil, ["count": 33]))], [],
            "error: claim default/c: number of requested devices 33 exceeds the claim limit of 32"
        ),
        (
            "more than can be counted", [two],
            [claim(Devices.request("r", nil, ["count": .int(.max)]), Devices.request("s", nil, ["count": .int(.max)]))], [],
            "error: claim default/c: number of requested devices 9223372036854775807 exceeds the claim limit of 32"
        ),
        (
            "a class that is not there", [two], [claim(Devices.request("r", nil, ["deviceClassName": "tpu"]))], [],
            "error: claim default/c, request r: could not retrieve device class tpu: deviceclass.resource.k8s.io \"tpu\" not found"
        ),
        (
            "alike", [four],
            [claim(Devices.request("r", nil, ["count": 2]), constraints: [["matchAttribute": "gpu.example.com/model"]])], [], "r:d1 r:d3"
        ),
        (
            "alike over requests", [four],
            [
                claim(
                    Devices.request("r"), Devices.request("s", has("index == 80")),
                    constraints: [["requests": ["r", "s"], "matchAttribute": "gpu.example.com/model"]])
            ], ["d1"], "r:d2 s:d4"
        ),
        (
            "different", [four],
            [claim(Devices.request("r", nil, ["count": 2]), constraints: [["distinctAttribute": "gpu.example.com/model"]])], [], "r:d1 r:d2"
        ),
        (
            "alike in what they lack", [four], [claim(Devices.request("r"), constraints: [["matchAttribute": "gpu.example.com/speed"]])],
            [],
            "none"
        ),
        (
            "a constraint of another version", [four], [claim(Devices.request("r"), constraints: [[:]])], [],
            "error: claim default/c, constraint #0: empty constraint (unsupported constraint type?)"
        ),
        (
            "all, which are not alike", [two],
            [claim(Devices.request("r", nil, ["allocationMode": "All"]), constraints: [["matchAttribute": "gpu.example.com/model"]])], [],
            "error: claim default/c, request r: cannot add device gpu.example.com/s/d2 because a claim constraint would not be satisfied"
        ),
        (
            "the best that can be had", [two],
            [claim(Devices.anyOf("r", [("best", has("model == 'blue'"), [:]), ("good", nil, [:])]))], [], "r/best:d2"
        ),
        (
            "the next best", [two], [claim(Devices.anyOf("r", [("best", has("model == 'blue'"), [:]), ("good", nil, [:])]))], ["d2"],
            "r/good:d1"
        ),
        (
            "the next best, so that all can be met", [two],
            [
                claim(
                    Devices.anyOf("r", [("both", nil, ["count": 2]), ("one", nil, [:])]), Devices.request("s"))
            ], [], "r/one:d1 s:d2"
        ),
        ("a taint", [Devices.slice("s", [gpu("d1", "red", 40, taint), gpu("d2", "red", 40)])], [claim(Devices.request("r"))], [], "r:d2"),
        (
            "a taint that is tolerated", [Devices.slice("s", [gpu("d1", "red", 40, taint)])],
            [claim(Devices.request("r", nil, ["tolerations": [["key": "broken", "operator": "Exists"]]]))], [], "r:d1"
        ),
        (
            "a taint that only tells", [Devices.slice("s", [gpu("d1", "red", 40, ["taints": [["key": "old", "effect": "None"]]])])],
            [claim(Devices.request("r"))], [], "r:d1"
        ),
        ("looked after, whosever it is", [two], [claim(Devices.request("r", nil, ["adminAccess": true]))], ["d1"], "r:d1*"),
        (
            "looked after and had", [two],
            [claim(Devices.request("r", nil, ["adminAccess": true])), Devices.claim("d", [Devices.request("r")])],
            [], "r:d1*; r:d2"
        ),
        ("a card as a whole", card, [claim(Devices.request("r"))], [], "r:whole"),
        ("what is left of a card", card, [claim(Devices.request("r"))], ["big"], "r:small"),
        ("a card in parts", card, [claim(Devices.request("r", nil, ["count": 2]))], [], "r:big r:small"),
        ("more than a card", card, [claim(Devices.request("r", nil, ["count": 3]))], [], "none"),
        (
            "parts of a device", [Devices.slice("s", [gpu("d1", "red", 40, shared)])],
            [claim(Devices.request("r", nil, part("18Gi")), Devices.request("s", nil, part("1Gi")))], [],
            "r:d1[memory=20Gi] s:d1[memory=5Gi]"
        ),
        (
            "the usual part", [Devices.slice("s", [gpu("d1", "red", 40, shared)])], [claim(Devices.request("r"))], [], "r:d1[memory=10Gi]"
        ),
        (
            "more than a device has", [Devices.slice("s", [gpu("d1", "red", 40, shared)])],
            [claim(Devices.request("r", nil, part("30Gi")), Devices.request("s", nil, part("15Gi")))], [], "none"
        ),
        ("enough of a device alone", [two], [claim(Devices.request("r", nil, part("64Gi")))], [], "r:d2"),
        ("of something that it has not", [two], [claim(Devices.request("r", nil, ["capacity": ["requests": ["watts": "1"]]]))], [], "none"),
    ]

    @Test(arguments: rows.indices) func search(_ index: Int) {
        let row = Self.rows[index]
        #expect(Self.search(row.slices, row.claims, row.taken) == row.expected, "\(row.what)")
    }

    private static func search(_ slices: [Object], _ claims: [Object], _ taken: [String]) -> String {
        var all = DeviceSlices()
        for slice in slices { all.put(slice.name, DeviceSlice(slice)) }
        let node = VolumeMatch.Place(name: "a", labels: [:])
        var inUse = DevicesInUse()
        for name in taken {
            let pool = slices[0].value["spec"]["pool"]["name"]
            inUse.add(["devices": ["results": [["driver": "gpu.example.com", "pool": pool, "device": .string(name)]]]])
        }
        do throws(DeviceSearch.Failure) {
            var search = try DeviceSearch(
                claims.map(DeviceClaim.init), classes: ["gpu": Devices.deviceClass("gpu", "device.driver == 'gpu.example.com'")],
                all.pools(for: node), inUse, on: node, DeviceSelectors())
            return try search.run()?.map(Devices.describe).joined(separator: "; ") ?? "none"
        } catch {
            switch error {
            case .node(let reason): return "not here: \(reason)"
            case .error(let message): return "error: \(message)"
            }
        }
    }

    @Test func theResultSaysWhereAndHow() throws {
        let gpu = Devices.deviceClass("gpu", config: [["opaque": ["driver": "gpu.example.com", "parameters": ["a": 1]]]])
        let own: Value = ["opaque": ["driver": "gpu.example.com", "parameters": ["b": 2]]]
        var other = own
        other["requests"] = ["s"]
        let claim = Devices.claim("c", [Devices.request("r"), Devices.request("s")], config: [own, other])
        var slices = DeviceSlices()
        slices.put("near", DeviceSlice(Devices.slice("near", on: "a", [Devices.device("n1"), Devices.device("n2")])))
        let node = VolumeMatch.Place(name: "a", labels: [:])
        var search = try DeviceSearch(
            [DeviceClaim(claim)], classes: ["gpu": gpu], slices.pools(for: node), DevicesInUse(), on: node, DeviceSelectors())
        let allocation = try #require(try search.run()).first ?? .null
        #expect(
            allocation["nodeSelector"]
                == ["nodeSelectorTerms": [["matchFields": [["key": "metadata.name", "operator": "In", "values": ["a"]]]]]])
        let (first, second): (Value, Value) = (["a": 1], ["b": 2])
        #expect(
            allocation["devices"]["config"].elements == [
                ["source": "FromClass", "requests": ["r", "s"], "opaque": ["driver": "gpu.example.com", "parameters": first]],
                ["source": "FromClaim", "opaque": ["driver": "gpu.example.com", "parameters": second]],
                ["source": "FromClaim", "requests": ["s"], "opaque": ["driver": "gpu.example.com", "parameters": second]],
            ])
        #expect(slices.pools(for: VolumeMatch.Place(name: "b", labels: [:])).isEmpty)
    }
}
