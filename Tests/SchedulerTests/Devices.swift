import APIModel
import OrderedCollections

@testable import Scheduler

/// Objects of devices for tests.
enum Devices {
    /// A device of a ResourceSlice; `rest` is laid over it.
    static func device(_ name: String, _ attributes: Value = .null, _ rest: Value.Fields = [:]) -> Value {
        var value: Value = ["name": .string(name)]
        if !attributes.isNull { value["attributes"] = attributes }
        for (name, field) in rest { value[name] = field }
        return value
    }

    /// A ResourceSlice of `gpu.example.com`, of one Node or of all.
    static func slice(
        _ name: String, pool: String? = nil, on node: String? = nil, generation: Int = 1, count: Int = 1, _ devices: [Value],
        counters: Value = .null
    ) -> Object {
        var spec: Value = [
            "driver": "gpu.example.com", "devices": .array(devices),
            "pool": ["name": .string(pool ?? name), "generation": Value(generation), "resourceSliceCount": Value(count)],
        ]
        if let node { spec["nodeName"] = .string(node) } else { spec["allNodes"] = true }
        if !counters.isNull { spec["sharedCounters"] = counters }
        return Object(["metadata": ["name": .string(name)], "spec": spec])
    }

    /// - Parameter offers: the extended resource that its devices are.
    static func deviceClass(_ name: String, _ expression: String? = nil, config: Value = .null, offers: String? = nil) -> Object {
        var value: Value = ["metadata": ["name": .string(name)], "spec": [:]]
        if let offers { value["spec"]["extendedResourceName"] = .string(offers) }
        if let expression { value["spec"]["selectors"] = [["cel": ["expression": .string(expression)]]] }
        if !config.isNull { value["spec"]["config"] = config }
        return Object(value)
    }

    /// A request for devices of the class `gpu`; `rest` is laid over it.
    static func request(_ name: String, _ expression: String? = nil, _ rest: Value.Fields = [:]) -> Value {
        ["name": .string(name), "exactly": exactly(expression, rest)]
    }

    static func anyOf(_ name: String, _ alternatives: [(name: String, expression: String?, rest: Value.Fields)]) -> Value {
        let all: [Value] = alternatives.map { alternative in
            var value = exactly(alternative.expression, alternative.rest)
            value["name"] = .string(alternative.name)
            return value
        }
        return ["name": .string(name), "firstAvailable": .array(all)]
    }

    private static func exactly(_ expression: String?, _ rest: Value.Fields) -> Value {
        var value: Value = ["deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1]
        if let expression { value["selectors"] = [["cel": ["expression": .string(expression)]]] }
        for (name, field) in rest { value[name] = field }
        return value
    }

    static func claim(
        _ name: String, _ requests: [Value], constraints: [Value] = [], config: [Value] = [], version: Int = 1, owner: String? = nil
    ) -> Object {
        var value: Value = [
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string("claim-\(name)"), "resourceVersion": .string("\(version)"),
            ],
            "spec": ["devices": ["requests": .array(requests)]],
        ]
        if !constraints.isEmpty { value["spec"]["devices"]["constraints"] = .array(constraints) }
        if !config.isEmpty { value["spec"]["devices"]["config"] = .array(config) }
        if let owner {
            value["metadata"]["ownerReferences"] = [
                ["apiVersion": "v1", "kind": "Pod", "name": .string(owner), "uid": .string("uid-\(owner)"), "controller": true]
            ]
        }
        return Object(value)
    }

    /// The claim as it is once it has these devices.
    static func allocated(_ claim: Object, _ allocation: Value, for pods: [String] = [], version: Int = 2) -> Object {
        var value = claim.value
        value["metadata"]["resourceVersion"] = .string("\(version)")
        value["status"]["allocation"] = allocation
        value["status"]["reservedFor"] = .array(pods.map { ["resource": "pods", "name": .string($0), "uid": .string("uid-\($0)")] })
        return Object(value)
    }

    /// `request:device`, with a `*` for the access of an administrator and what is taken of a device that is shared.
    static func describe(_ allocation: Value) -> String {
        allocation["devices"]["results"].elements.map { result in
            let name =
                "\(result["request"].string ?? ""):\(result["device"].string ?? "")" + (result["adminAccess"].bool == true ? "*" : "")
            let taken = result["consumedCapacity"].fields.map { "\($0.key)=\($0.value.string ?? "")" }.joined(separator: ",")
            return taken.isEmpty ? name : "\(name)[\(taken)]"
        }.joined(separator: " ")
    }
}
