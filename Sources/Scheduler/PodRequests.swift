internal import APIModel

/// What a Pod asks for, as upstream's `PodRequests` adds it up.
struct PodRequests {
    /// What counts as one amount at most: more than any Node has, and little enough that all Pods of a Node can be added up.
    static let most: Int64 = 1 << 50

    /// Pods is 1.
    let amounts: ResourceAmounts
    /// As `amounts`, counting 100m and 200 MiB for a container that asks for none.
    let nonzeroCPU: Int64
    let nonzeroMemory: Int64

    init(spec: Value) {
        var actual = Self.total(spec, defaults: [:])
        let nonzero = Self.total(spec, defaults: ["cpu": 100, "memory": 200 << 20])
        actual["pods"] = 1
        amounts = ResourceAmounts(actual)
        nonzeroCPU = nonzero["cpu"] ?? 0
        nonzeroMemory = nonzero["memory"] ?? 0
    }

    /// Containers run together; each init container runs alone, but for those that stay (`restartPolicy: Always`), which count for
    /// everything after them.
    private static func total(_ spec: Value, defaults: [String: Int64]) -> [String: Int64] {
        func add(_ left: Int64, _ right: Int64) -> Int64 { min(left + right, most) }
        func requests(_ container: Value) -> [String: Int64] {
            var amounts = ResourceAmounts.read(container["resources"]["requests"])
            for (name, amount) in defaults where amounts[name] == nil { amounts[name] = amount }
            return amounts
        }
        var sum: [String: Int64] = [:]
        for container in spec["containers"].elements { sum.merge(requests(container), uniquingKeysWith: add) }
        var staying: [String: Int64] = [:]
        var highest: [String: Int64] = [:]
        for container in spec["initContainers"].elements {
            let own = requests(container)
            if container["restartPolicy"].string == "Always" {
                sum.merge(own, uniquingKeysWith: add)
                staying.merge(own, uniquingKeysWith: add)
                highest.merge(staying, uniquingKeysWith: max)
            } else {
                highest.merge(own.merging(staying, uniquingKeysWith: add), uniquingKeysWith: max)
            }
        }
        sum.merge(highest, uniquingKeysWith: max)
        // What is asked for the Pod as a whole takes the place of the containers' sum.
        sum.merge(ResourceAmounts.read(spec["resources"]["requests"]), uniquingKeysWith: { $1 })
        sum.merge(ResourceAmounts.read(spec["overhead"]), uniquingKeysWith: add)
        return sum
    }
}
