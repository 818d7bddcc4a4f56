internal import APIModel
internal import PluginKit

/// The slices that show one Endpoints object: one for each set of ports and family of addresses.
struct Mirror {
    /// The most addresses of one subset that are shown.
    static let capacity = 1000

    enum Change: Equatable {
        case create(Value)
        case update(Value)
        case delete(Value)
    }

    private struct Group: Hashable {
        var addressType: String
        var ports: [Value]
    }

    /// How many addresses found no room.
    private(set) var skipped = 0
    private let endpoints: Value
    /// The endpoints of each group by address.
    private var wanted: [Group: [String: Value]] = [:]

    init(of endpoints: Value) {
        self.endpoints = endpoints
        for subset in EndpointSubset.repacked(endpoints["subsets"].elements.map(EndpointSubset.init)) {
            let ports = Self.sorted(subset.ports.map(Self.port))
            skipped += max(0, subset.addresses.count - Self.capacity)
            for (address, isReady) in subset.addresses.prefix(Self.capacity) { add(address, isReady: isReady, ports) }
        }
    }

    private mutating func add(_ address: Value, isReady: Bool, _ ports: [Value]) {
        // Slices have addresses in one form only, Endpoints in any.
        guard let parsed = address["ip"].string.flatMap({ IPAddress($0) }) else { return }
        let ip = parsed.description
        let group = Group(addressType: parsed.family == .ipv6 ? "IPv6" : "IPv4", ports: ports)
        // Of one address that is in several subsets with the same ports, the bad news count.
        let isGood = isReady && wanted[group]?[ip].map { $0["conditions"]["ready"].bool == true } ?? true
        wanted[group, default: [:]][ip] = [
            "addresses": [.string(ip)], "conditions": ["ready": .bool(isGood)], "targetRef": address["targetRef"],
            "nodeName": address["nodeName"], "hostname": address["hostname"],
        ]
    }

    private static func port(_ port: Value) -> Value {
        [
            "name": port["name"].isNull ? "" : port["name"], "port": port["port"],
            "protocol": port["protocol"].isNull ? "TCP" : port["protocol"], "appProtocol": port["appProtocol"],
        ]
    }

    private static func sorted(_ ports: [Value]) -> [Value] {
        ports.sorted { ($0["port"].int ?? 0, $0["name"].string ?? "") < ($1["port"].int ?? 0, $1["name"].string ?? "") }
    }

    /// The fewest changes that turn the slices there are into those wanted.
    func changes(from existing: [Value]) -> [Change] {
        var unused: [Group: [Value]] = [:]
        for slice in existing {
            let ports = Self.sorted(slice["ports"].elements.map(Self.port))
            unused[Group(addressType: slice["addressType"].string ?? "", ports: ports), default: []].append(slice)
        }
        var changes: [Change] = []
        var new: [(group: Group, list: [Value])] = []
        for (group, byAddress) in wanted {
            let list = Array(byAddress.sorted { $0.key < $1.key }.map(\.value).prefix(Self.capacity))
            guard let slice = unused[group]?.first else {
                new.append((group, list))
                continue
            }
            unused[group]?.removeFirst()
            let updated = filled(slice, group, list)
            if !isSame(slice, updated) { changes.append(.update(updated)) }
        }
        // Rather another content for a slice than a deleted and a new one.
        var left = Array(unused.values.joined())
        for (group, list) in new {
            if let index = left.firstIndex(where: { $0["addressType"].string == group.addressType }) {
                changes.append(.update(filled(left.remove(at: index), group, list)))
            } else {
                changes.append(.create(filled(["metadata": ["generateName": .string("\(name)-")]], group, list)))
            }
        }
        return changes + left.map { .delete($0) }
    }

    private var name: String { endpoints["metadata"]["name"].string ?? "" }

    private func filled(_ slice: Value, _ group: Group, _ list: [Value]) -> Value {
        var slice = slice
        slice["apiVersion"] = "discovery.k8s.io/v1"
        slice["kind"] = "EndpointSlice"
        slice["metadata"]["namespace"] = endpoints["metadata"]["namespace"]
        slice["metadata"]["ownerReferences"] = [OwnerReference.controller(endpoints)]
        var labels = endpoints["metadata"]["labels"].isNull ? .emptyObject : endpoints["metadata"]["labels"]
        labels["kubernetes.io/service-name"] = .string(name)
        labels["endpointslice.kubernetes.io/managed-by"] = .string(EndpointSliceMirroringController.manager)
        slice["metadata"]["labels"] = labels
        var annotations = endpoints["metadata"]["annotations"].isNull ? .emptyObject : endpoints["metadata"]["annotations"]
        annotations["endpoints.kubernetes.io/last-change-trigger-time"] = .null
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = .null
        slice["metadata"]["annotations"] = annotations.isEmpty ? .null : annotations
        slice["addressType"] = .string(group.addressType)
        slice["ports"] = .array(group.ports)
        slice["endpoints"] = .array(list)
        return slice
    }

    /// Whether both say the same: in another order, or with an empty list where the other has none, counts as the same.
    private func isSame(_ slice: Value, _ updated: Value) -> Bool {
        let (before, after) = (slice["metadata"], updated["metadata"])
        return before["labels"] == after["labels"] && before["annotations"].strings == after["annotations"].strings
            && before["ownerReferences"] == after["ownerReferences"]
            && Set(slice["endpoints"].elements) == Set(updated["endpoints"].elements)
    }
}
