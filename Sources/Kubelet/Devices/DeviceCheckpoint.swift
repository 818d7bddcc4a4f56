import APIModel
import FileSystem
import OrderedCollections

/// What is kept of devices over a restart, as upstream's `kubelet_internal_checkpoint` has it but for its checksum: who has which, and what
/// resources there were.
enum DeviceCheckpoint {
    static let file = "kubelet_internal_checkpoint"
    /// The node of devices that are nowhere.
    private static let nowhere = "-1"

    static func encode(_ book: DeviceBook) -> [UInt8] {
        var entries: [Value] = []
        for (pod, containers) in book.grants.sorted(by: { $0.key < $1.key }) {
            for (container, grants) in containers.sorted(by: { $0.key < $1.key }) {
                for (resource, grant) in grants.sorted(by: { $0.key < $1.key }) {
                    guard let response = grant.response, let type = Catalogue.devices.type(named: "ContainerAllocateResponse"),
                        let bytes = try? Protobuf.encode(response, as: type)
                    else { continue }
                    entries.append([
                        "PodUID": .string(pod), "ContainerName": .string(container), "ResourceName": .string(resource),
                        "DeviceIDs": ids(grant), "AllocResp": .string(Base64.encode(bytes)),
                    ])
                }
            }
        }
        var registered = Value.emptyObject
        for (name, resource) in book.resources.sorted(by: { $0.key < $1.key }) { registered[name] = Value(resource.healthy.sorted()) }
        return JSON.encode(["Data": ["PodDeviceEntries": .array(entries), "RegisteredDevices": registered]])
    }

    private static func ids(_ grant: DeviceBook.Grant) -> Value {
        var nodes: [String: [String]] = [:]
        for id in grant.ids.sorted() {
            let own = grant.nodes[id] ?? []
            for node in own.isEmpty ? [nowhere] : own.sorted().map(String.init) { nodes[node, default: []].append(id) }
        }
        var value = Value.emptyObject
        for (node, ids) in nodes.sorted(by: { $0.key < $1.key }) { value[node] = Value(ids) }
        return value
    }

    /// What an earlier kubelet left; its resources are there without devices until their plugins come again. `nil` when it cannot be read.
    static func decode(_ bytes: [UInt8], now: Whole) -> DeviceBook? {
        guard let data = try? JSON.decode(bytes)["Data"], case .object = data,
            let type = Catalogue.devices.type(named: "ContainerAllocateResponse")
        else { return nil }
        var book = DeviceBook()
        for name in data["RegisteredDevices"].fields.keys { book.resources[name] = DeviceBook.Resource(stoppedAt: now) }
        for entry in data["PodDeviceEntries"].elements {
            guard let pod = entry["PodUID"].string, let container = entry["ContainerName"].string,
                let resource = entry["ResourceName"].string, let bytes = entry["AllocResp"].string.flatMap(Base64.decode),
                let response = try? Protobuf.decode(bytes, as: type)
            else { return nil }
            var grant = DeviceBook.Grant(ids: [], response: response)
            for (node, ids) in entry["DeviceIDs"].fields {
                for id in ids.elements.compactMap(\.string) {
                    grant.ids.insert(id)
                    if node != nowhere, let node = Int(node) { grant.nodes[id, default: []].insert(node) }
                }
            }
            book[DeviceBook.Owner(pod: pod, container: container, resource: resource)] = grant
        }
        return book
    }
}
