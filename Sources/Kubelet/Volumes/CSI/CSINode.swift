import APIModel
import Client
import Logging
import OrderedCollections

/// Tells the API which storage drivers this node has, and what they call it: the node's CSINode, and an annotation and labels of its Node.
/// Upstream: `volume/csi/nodeinfomanager`.
struct CSINode: Sendable {
    let name: String
    let client: any Client
    let log: Logger
    private let turns = KeyedTurns()

    private static let ids = "csi.volume.kubernetes.io/nodeid"

    init(name: String, client: any Client, log: Logger) {
        (self.name, self.client, self.log) = (name, client, log)
    }

    /// Makes the CSINode where there is none, or one of a Node of this name that is no more. Throws `APIError`.
    func make() async throws { try await change { _ in false } }

    /// - Parameter info: what the driver's `NodeGetInfo` answered.
    func install(_ driver: String, _ info: Value) async throws {
        guard let id = info["node_id"].string, !id.isEmpty else {
            throw ConfigurationError(message: "error adding CSI driver node info: driverNodeID must not be empty")
        }
        let topology = info[path: "accessible_topology", "segments"].strings
        do { try await changeNode(driver, id: id, topology) } catch {
            throw ConfigurationError(message: "error updating Node object with CSI driver node info: \(error)")
        }
        let entry = Self.entry(driver, id: id, topology, limit: info["max_volumes_per_node"].int ?? 0)
        do {
            try await change { drivers in
                if drivers.contains(where: { $0 == entry }) { return false }
                drivers = drivers.filter { $0["name"].string != driver } + [entry]
                return true
            }
        } catch {
            throw ConfigurationError(message: "error updating CSINode object with CSI driver node info: \(error)")
        }
    }

    /// Labels stay: volumes may say that they are where the node is.
    func uninstall(_ driver: String) async {
        do {
            try await change { drivers in
                let others = drivers.filter { $0["name"].string != driver }
                defer { drivers = others }
                return others.count != drivers.count
            }
            try await changeNode(driver, id: nil, [:])
        } catch {
            if !Task.isCancelled { log.warning("the driver \(driver) is not taken back from the API: \(error)") }
        }
    }

    /// An element of `CSINode.spec.drivers`.
    static func entry(_ driver: String, id: String, _ topology: [String: String], limit: Whole) -> Value {
        var entry: Value = ["name": .string(driver), "nodeID": .string(id)]
        entry["topologyKeys"] = topology.isEmpty ? .null : Value(topology.keys.sorted())
        if limit > 0 { entry["allocatable"] = ["count": .int(min(limit, Whole(Int32.max)))] }
        return entry
    }

    // MARK: The objects

    /// - Parameter body: changes the drivers; answers whether it did.
    private func change(_ body: @Sendable (inout [Value]) -> Bool) async throws {
        try await turns.run("csinode") {
            try await trying {
                let node = try await client.get(.nodes, name: name)
                let owner: Value = ["apiVersion": "v1", "kind": "Node", "name": .string(name), "uid": node.value["metadata"]["uid"]]
                do {
                    var object = try await client.get(StorageObjects.driversOfNodes, name: name).value
                    guard object[path: "metadata", "ownerReferences"].elements.contains(where: { $0["uid"] == owner["uid"] }) else {
                        _ = try await client.delete(StorageObjects.driversOfNodes, name: name)
                        throw APIError.notFound("csinodes", name)
                    }
                    var drivers = object[path: "spec", "drivers"].elements
                    guard body(&drivers) else { return }
                    object["spec"]["drivers"] = .array(drivers)
                    _ = try await client.update(StorageObjects.driversOfNodes, name: name, object)
                } catch let error as APIError where error.reason == .notFound {
                    var drivers: [Value] = []
                    _ = body(&drivers)
                    _ = try await client.create(
                        StorageObjects.driversOfNodes,
                        [
                            "apiVersion": "storage.k8s.io/v1", "kind": "CSINode",
                            "metadata": ["name": .string(name), "ownerReferences": [owner]], "spec": ["drivers": .array(drivers)],
                        ])
                }
            }
        }
    }

    /// - Parameter id: what the driver calls the node; `nil` when it is gone.
    private func changeNode(_ driver: String, id: String?, _ topology: [String: String]) async throws {
        try await turns.run("node") {
            try await trying {
                let node = try await client.get(.nodes, name: name)
                let metadata = node.value["metadata"]
                for (key, value) in topology.sorted(by: { $0.key < $1.key }) {
                    guard let old = metadata["labels"][key].string, old != value else { continue }
                    let (new, existing) = ("\"\(key)\":\"\(value)\"", "\"\(key)\":\"\(old)\"")
                    throw ConfigurationError(
                        message: "detected topology value collision: driver reported \(new) but existing label is \(existing)")
                }
                let text = metadata["annotations"][Self.ids].string
                var ids = text.flatMap { try? JSON.decode(Array($0.utf8)) }?.strings ?? [:]
                ids[driver] = id
                let new = ids.isEmpty ? nil : String(decoding: JSON.encode(Value(ids)), as: UTF8.self)
                let isLabelled = topology.allSatisfy { metadata["labels"][$0].string == $1 }
                if new == text && isLabelled { return }
                var annotations = Value.emptyObject
                annotations.fields[Self.ids] = Value(new)
                _ = try await client.patch(
                    .nodes, namespace: nil, name: name, subresource: nil, .merge,
                    [
                        "metadata": [
                            "resourceVersion": metadata["resourceVersion"], "annotations": annotations, "labels": Value(topology),
                        ]
                    ])
            }
        }
    }

    /// Others write the same objects: what they came in between of is done again.
    private func trying(_ body: () async throws -> Void) async throws {
        var wait = Duration.milliseconds(10)
        while true {
            do { return try await body() } catch let error as APIError where error.reason == .conflict || error.reason == .alreadyExists {
                guard wait < .seconds(2) else { throw error }
                try await Task.sleep(for: wait)
                wait *= 3
            }
        }
    }
}
