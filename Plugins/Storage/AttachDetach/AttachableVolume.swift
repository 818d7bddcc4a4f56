internal import APIModel
internal import Crypto
internal import OrderedCollections

/// A PersistentVolume of a CSI driver, as far as it concerns which Nodes have it attached.
struct AttachableVolume {
    /// The PersistentVolume's.
    let name: String
    let driver: String
    let handle: String
    /// Whether several Nodes may have it at once; where nothing is said, the driver knows.
    let isShared: Bool

    /// `nil` for what is no volume of a CSI driver.
    init?(_ volume: Value) {
        let source = volume["spec"]["csi"]
        guard let driver = source["driver"].string, let handle = source["volumeHandle"].string else { return nil }
        name = volume["metadata"]["name"].string ?? ""
        self.driver = driver
        self.handle = handle
        let modes = volume["spec"]["accessModes"].elements
        isShared = modes.isEmpty || modes.contains { ["ReadWriteMany", "ReadOnlyMany"].contains($0.string) }
    }

    /// How a Node's status calls it.
    var uniqueName: String { StorageObjects.uniqueName(driver: driver, handle: handle) }

    /// The name of the VolumeAttachment to a Node, which the node's kubelet expects.
    func attachmentName(_ node: String) -> String {
        StorageObjects.attachmentName(driver: driver, handle: handle, node: node) { SHA256.hash(data: Array($0.utf8)).hexadecimal }
    }

    func attachment(to node: String) -> Value {
        [
            "apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "metadata": ["name": .string(attachmentName(node))],
            "spec": ["attacher": .string(driver), "nodeName": .string(node), "source": ["persistentVolumeName": .string(name)]],
        ]
    }
}
