internal import APIModel
internal import OrderedCollections

/// What a Pod asks for by name, as if of a device plugin, and a Node that has no such plugin has as devices of a class: upstream's DRAExtendedResource.
struct ExtendedResources {
    struct Wanted {
        let resource: String
        let className: String
        let amount: Int64
    }
    /// By name.
    let wanted: [Wanted]
    private let pod: PodInfo

    /// By which a claim that the scheduler makes is known.
    static let annotation = "resource.kubernetes.io/extended-resource-claim"
    /// Every class is a resource of this name, too.
    static let classPrefix = "deviceclass.resource.kubernetes.io/"

    /// `nil` for a Pod that asks for nothing that a class offers.
    init?(_ pod: PodInfo, _ objects: DeviceObjects) {
        self.pod = pod
        wanted = pod.requests.amounts.others.filter { $0.amount > 0 }.compactMap { other in
            objects.className(offering: other.name).map { Wanted(resource: other.name, className: $0, amount: other.amount) }
        }.sorted { $0.resource < $1.resource }
        if wanted.isEmpty { return nil }
    }

    private func offered(_ wanted: Wanted, _ node: Int, _ columns: NodeColumns) -> Int64 {
        columns.resources.column(of: wanted.resource).map { columns.resources.offered($0, node) } ?? 0
    }

    /// A resource of which a Node with a device plugin has too little left, and whether it never had enough.
    func lacking(_ node: Int, _ columns: NodeColumns) -> (resource: String, isHopeless: Bool)? {
        for wanted in wanted {
            guard let column = columns.resources.column(of: wanted.resource) else { continue }
            let offered = columns.resources.offered(column, node)
            guard offered > 0, wanted.amount > offered &- columns.resources.held(column, node) else { continue }
            return (wanted.resource, wanted.amount > offered)
        }
        return nil
    }

    /// Those that a Node has as devices only.
    func asDevices(_ node: Int, _ columns: NodeColumns) -> [Wanted] { wanted.filter { offered($0, node, columns) == 0 } }

    /// As `status.allocation` is known by until the claim has been made.
    static func place(_ namespace: String, uid: String) -> PodKey { PodKey(namespace: namespace, name: "<extended-resources> \(uid)") }

    /// The claim to be made for some of them, without a name that the API would take.
    func claim(_ wanted: [Wanted]) -> Object {
        let place = Self.place(pod.key.namespace, uid: pod.uid)
        return Object([
            "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
            "metadata": [
                "name": .string(place.name), "namespace": .string(place.namespace),
                "generateName": .string("\(pod.key.name)-extended-resources-"), "annotations": [Self.annotation: "true"],
                "ownerReferences": [
                    ["apiVersion": "v1", "kind": "Pod", "name": .string(pod.key.name), "uid": .string(pod.uid), "controller": true]
                ],
            ],
            "spec": ["devices": ["requests": .array(requests(wanted).requests)]],
        ])
    }

    /// What is asked for, and which container's resource is which request.
    ///
    /// Containers that run together have a request each. Init containers that end use those of the containers that come after them, and share one
    /// request for what they need beyond that.
    func requests(_ wanted: [Wanted]) -> (requests: [Value], mappings: [Value]) {
        var (requests, mappings): ([Request], [Value]) = ([], [])
        for one in wanted {
            let shares = Shares(one, pod.object.value["spec"])
            requests += shares.requests
            mappings += shares.mappings.map { container, request in
                ["containerName": .string(container), "resourceName": .string(one.resource), "requestName": .string(request)]
            }
        }
        return (requests.sorted { $0.name < $1.name }.map(\.value), mappings)
    }

    private struct Request {
        let name: String
        let className: String
        let count: Int64

        var value: Value {
            [
                "name": .string(name),
                "exactly": ["deviceClassName": .string(className), "allocationMode": "ExactCount", "count": .int(count)],
            ]
        }
    }

    /// Who of a Pod's containers has which request for one resource.
    private struct Shares {
        private(set) var requests: [Request] = []
        private(set) var mappings: [(container: String, request: String)] = []

        init(_ wanted: Wanted, _ spec: Value) {
            let initial = spec["initContainers"].elements
            let containers = initial + spec["containers"].elements
            func ends(_ index: Int) -> Bool { index < initial.count && containers[index]["restartPolicy"].string != "Always" }
            func name(_ index: Int) -> String { containers[index]["name"].string ?? "" }
            func request(_ index: Int, _ count: Int64) -> Request {
                let place = containers[index]["resources"]["requests"].fields.keys.sorted().firstIndex(of: wanted.resource) ?? 0
                return Request(name: "container-\(index)-request-\(place)", className: wanted.className, count: count)
            }
            let amounts = containers.map { ResourceAmounts.read($0["resources"]["requests"])[wanted.resource] ?? 0 }
            var lasting: [Int: Request] = [:]
            for index in containers.indices where !ends(index) && amounts[index] > 0 {
                lasting[index] = request(index, amounts[index])
                mappings.append((name(index), request(index, 0).name))
            }
            var more: [(index: Int, request: Request)] = []
            var ending: [(container: String, request: String?)] = []
            for index in containers.indices where ends(index) && amounts[index] > 0 {
                var sum: Int64 = 0
                for later in lasting.sorted(by: { $0.key < $1.key }) where later.key >= index && sum < amounts[index] {
                    sum += later.value.count
                    ending.append((name(index), later.value.name))
                }
                guard sum < amounts[index] else { continue }
                more.append((index, request(index, amounts[index] - sum)))
                ending.append((name(index), nil))
            }
            // Of those that end, one runs at a time.
            let shared = more.reduce(nil as Request?) { most, next in (most?.count ?? 0) < next.request.count ? next.request : most }
            requests = [shared].compactMap(\.self) + lasting.sorted { $0.key < $1.key }.map(\.value)
            mappings += ending.compactMap { container, request in (request ?? shared?.name).map { (container, $0) } }
        }
    }
}

extension Object {
    /// Whether the scheduler made the claim for what a Pod asks for by name.
    var isOfExtendedResources: Bool { metadata["annotations"][ExtendedResources.annotation].string == "true" }
}
