import APIModel
import OrderedCollections

/// What is kept of claims over a restart, with the fields of upstream's `dra_manager_state`.
enum ClaimCheckpoint {
    static let file = "dra_manager_state"
    private static let kind = "DRACheckpoint"
    private static let version = "checkpoint.dra.kubelet.k8s.io/v1"

    static func encode(_ book: ClaimBook) -> [UInt8] {
        let claims = book.entries.sorted { $0.key < $1.key }.map { key, entry -> Value in
            var (pods, drivers) = (Value.emptyObject, Value.emptyObject)
            for pod in entry.pods.sorted() { pods[pod] = .emptyObject }
            for (driver, devices) in entry.drivers.sorted(by: { $0.key < $1.key }) {
                drivers[driver] = ["Devices": .array(devices.map(encode))]
            }
            return [
                "ClaimUID": .string(entry.uid), "ClaimName": .string(key.name), "Namespace": .string(key.namespace), "PodUIDs": pods,
                "DriverState": drivers,
            ]
        }
        return JSON.encode(["kind": .string(kind), "apiVersion": .string(version), "ClaimInfoStateList": .array(claims)])
    }

    private static func encode(_ device: ClaimBook.Device) -> Value {
        [
            "PoolName": .string(device.pool), "DeviceName": .string(device.name), "ShareID": Value(device.share),
            "RequestNames": Value(device.requests), "CDIDeviceIDs": Value(device.cdi),
        ]
    }

    /// What an earlier kubelet left: the drivers are asked again before another container of it starts. `nil` when it cannot be read.
    static func decode(_ bytes: [UInt8]) -> ClaimBook? {
        guard let file = try? JSON.decode(bytes), file["kind"].string == kind, file["apiVersion"].string == version else { return nil }
        var entries: [ClaimBook.Key: ClaimBook.Entry] = [:]
        for claim in file["ClaimInfoStateList"].elements {
            guard let uid = claim["ClaimUID"].string, let name = claim["ClaimName"].string, let namespace = claim["Namespace"].string
            else { return nil }
            var entry = ClaimBook.Entry(uid: uid, pods: Set(claim["PodUIDs"].fields.keys), drivers: [:])
            for (driver, state) in claim["DriverState"].fields { entry.drivers[driver] = state["Devices"].elements.map(decode) }
            entries[ClaimBook.Key(namespace: namespace, name: name)] = entry
        }
        return ClaimBook(entries)
    }

    private static func decode(_ device: Value) -> ClaimBook.Device {
        ClaimBook.Device(
            pool: device["PoolName"].string ?? "", name: device["DeviceName"].string ?? "", share: device["ShareID"].string,
            requests: device["RequestNames"].elements.compactMap(\.string), cdi: device["CDIDeviceIDs"].elements.compactMap(\.string))
    }
}
