internal import APIModel
internal import PluginAPI

/// What a Pod asks for, as upstream's `PodRequests` adds it up.
struct PodRequests {
    /// By resource column; pods is 1.
    var amounts: [Int: Int64]
    /// As `amounts`, counting 100m and 200 MiB for a container that asks for none.
    var nonzeroCPU: Int64
    var nonzeroMemory: Int64

    init(spec: Value, _ names: ResourceNames) {
        let (cpu, memory) = (Int(APUS_RESOURCE_CPU), Int(APUS_RESOURCE_MEMORY))
        let actual = Self.total(spec, names, defaults: [:])
        let nonzero = Self.total(spec, names, defaults: [cpu: 100, memory: 200 << 20])
        amounts = actual
        amounts[Int(APUS_RESOURCE_PODS)] = 1
        nonzeroCPU = nonzero[cpu] ?? 0
        nonzeroMemory = nonzero[memory] ?? 0
    }

    /// Containers run together; each init container runs alone, but for those that stay (`restartPolicy: Always`), which count for everything after them.
    private static func total(_ spec: Value, _ names: ResourceNames, defaults: [Int: Int64]) -> [Int: Int64] {
        func requests(_ container: Value) -> [Int: Int64] {
            var amounts = names.amounts(container["resources"]["requests"])
            for (column, amount) in defaults where amounts[column] == nil { amounts[column] = amount }
            return amounts
        }
        var sum: [Int: Int64] = [:]
        for container in spec["containers"].elements { sum.merge(requests(container), uniquingKeysWith: +) }
        var staying: [Int: Int64] = [:]
        var highest: [Int: Int64] = [:]
        for container in spec["initContainers"].elements {
            let own = requests(container)
            if container["restartPolicy"].string == "Always" {
                sum.merge(own, uniquingKeysWith: +)
                staying.merge(own, uniquingKeysWith: +)
                highest.merge(staying, uniquingKeysWith: max)
            } else {
                highest.merge(own.merging(staying, uniquingKeysWith: +), uniquingKeysWith: max)
            }
        }
        sum.merge(highest, uniquingKeysWith: max)
        // What is asked for the Pod as a whole takes the place of the containers' sum.
        sum.merge(names.amounts(spec["resources"]["requests"]), uniquingKeysWith: { $1 })
        sum.merge(names.amounts(spec["overhead"]), uniquingKeysWith: +)
        return sum
    }
}
