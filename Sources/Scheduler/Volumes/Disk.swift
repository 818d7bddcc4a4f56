internal import APIModel

/// A disk that a Pod mounts without a claim, and that others may be kept from: upstream's VolumeRestrictions.
struct Disk: Hashable {
    /// What it is known by: two with the same are one, where their monitors agree.
    let name: String
    /// Of Ceph RBD.
    let monitors: Set<String>
    /// Whether it can be shared with others that only read it, too.
    let isShareable: Bool

    static func all(_ spec: Value) -> [Disk] { spec["volumes"].elements.compactMap(Disk.init) }

    private init?(_ volume: Value) {
        func id(_ source: String, _ fields: String...) -> String? {
            let value = volume[source]
            return value.isNull ? nil : ([source] + fields.map { value[$0].string ?? "" }).joined(separator: "\n")
        }
        let isReadOnly = { (source: String) in volume[source]["readOnly"].bool == true }
        if let name = id("gcePersistentDisk", "pdName") {
            (self.name, monitors, isShareable) = (name, [], isReadOnly("gcePersistentDisk"))
        } else if let name = id("awsElasticBlockStore", "volumeID") {
            (self.name, monitors, isShareable) = (name, [], false)
        } else if let name = id("iscsi", "iqn") {
            (self.name, monitors, isShareable) = (name, [], isReadOnly("iscsi"))
        } else if let name = id("rbd", "pool", "image") {
            (self.name, isShareable) = (name, isReadOnly("rbd"))
            monitors = Set(volume["rbd"]["monitors"].elements.compactMap(\.string))
        } else {
            return nil
        }
    }

    /// Whether the two cannot be mounted on one Node, each by a Pod of its own.
    func conflicts(with other: Disk) -> Bool {
        name == other.name && !(isShareable && other.isShareable)
            && (monitors == other.monitors || !monitors.isDisjoint(with: other.monitors))
    }
}
