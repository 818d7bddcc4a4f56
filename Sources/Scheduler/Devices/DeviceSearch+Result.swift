internal import APIModel

// The result.
extension DeviceSearch {
    func allocation(_ claim: Int) -> Value {
        var results: [Value] = []
        for choice in chosen[claim] {
            let device = devices[choice.device].device
            var result: Value = [
                "request": .string(choice.request.name), "driver": .string(device.name.pool.driver),
                "pool": .string(device.name.pool.pool), "device": .string(device.name.device),
            ]
            if choice.request.isAdmin { result["adminAccess"] = true }
            if !choice.request.tolerations.isEmpty { result["tolerations"] = .array(choice.request.tolerations) }
            for field in ["bindingConditions", "bindingFailureConditions"] where !device.value[field].isEmpty {
                result[field] = device.value[field]
            }
            if device.isShareable {
                result["shareID"] = .string(ShareID.make())
                for (name, amount) in choice.taken.sorted(by: { $0.key < $1.key }) {
                    result["consumedCapacity"][name] = .string(amount.description)
                }
            }
            results.append(result)
        }
        var allocation: Value = ["devices": ["results": .array(results)]]
        let configurations = configurations(claim)
        if !configurations.isEmpty { allocation["devices"]["config"] = .array(configurations) }
        if let selector = nodeSelector(claim) { allocation["nodeSelector"] = selector }
        return allocation
    }

    /// Those of the classes first, each once, then the claim's own that speak of what was chosen.
    private func configurations(_ claim: Int) -> [Value] {
        let chosen = zip(ways[claim], taken[claim]).map { $0[$1] }
        var found: [Value] = []
        var ofClass: [String: Range<Int>] = [:]
        for way in chosen {
            if let known = ofClass[way.request.className] {
                for index in known { found[index]["requests"].elements.append(.string(way.request.name)) }
                continue
            }
            let start = found.count
            for configuration in way.deviceClass.value["spec"]["config"].elements {
                found.append(Self.configuration(configuration, from: "FromClass", for: [.string(way.request.name)]))
            }
            ofClass[way.request.className] = start..<found.count
        }
        for configuration in claims[claim].object.value["spec"]["devices"]["config"].elements {
            let requests = configuration["requests"].elements
            let names = Set(requests.compactMap(\.string))
            // As upstream: once for each request that it is for.
            let times = names.isEmpty ? 1 : chosen.count { !$0.request.names.isDisjoint(with: names) }
            for _ in 0..<times { found.append(Self.configuration(configuration, from: "FromClaim", for: requests)) }
        }
        return found
    }

    private static func configuration(_ value: Value, from source: String, for requests: [Value]) -> Value {
        var result: Value = ["source": .string(source)]
        if !requests.isEmpty { result["requests"] = .array(requests) }
        if !value["opaque"].isNull { result["opaque"] = value["opaque"] }
        return result
    }

    /// The Nodes that reach all devices of a claim; `nil` for every Node.
    private func nodeSelector(_ claim: Int) -> Value? {
        var (fields, expressions): ([Value], [Value]) = ([], [])
        for choice in chosen[claim] {
            let device = devices[choice.device].device
            if device.value["bindsToNode"].bool == true { return Self.only(node.name) }
            switch device.reach {
            case .node: return Self.only(node.name)
            case .everywhere, .nowhere: break
            case .selected(let selector):
                for term in selector["nodeSelectorTerms"].elements {
                    fields += term["matchFields"].elements.filter { !fields.contains($0) }
                    expressions += term["matchExpressions"].elements.filter { !expressions.contains($0) }
                }
            }
        }
        guard !fields.isEmpty || !expressions.isEmpty else { return nil }
        var term: Value = [:]
        if !fields.isEmpty { term["matchFields"] = .array(fields) }
        if !expressions.isEmpty { term["matchExpressions"] = .array(expressions) }
        return ["nodeSelectorTerms": [term]]
    }

    private static func only(_ node: String) -> Value {
        ["nodeSelectorTerms": [["matchFields": [["key": "metadata.name", "operator": "In", "values": [.string(node)]]]]]]
    }
}
