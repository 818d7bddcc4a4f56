internal import APIModel
internal import PluginAPI
internal import PluginKit

/// A group of Pods, by name.
struct Group: Hashable {
    static let label = "scheduling.apus.dev/group"

    let namespace: String
    let name: String

    init(namespace: String, name: String) { (self.namespace, self.name) = (namespace, name) }

    /// That of a Pod, as the API has it; `nil` for a Pod of no group.
    init?(_ pod: Value) {
        let named = pod["metadata"]["labels"][Self.label].string ?? pod["spec"]["schedulingGroup"]["podGroupName"].string ?? ""
        guard !named.isEmpty else { return nil }
        self.init(namespace: pod["metadata"]["namespace"].string ?? "", name: named)
    }
}

/// A Pod of a group, as a cycle of the scheduler sees it.
struct Member {
    static let sizeLabel = "scheduling.apus.dev/group-size"

    let uid: String
    let group: Group
    /// How many Pods of the group have to run.
    let size: Int

    init(uid: String, group: Group, size: Int) { (self.uid, self.group, self.size) = (uid, group, size) }

    /// `nil` for a Pod of no group.
    /// - Throws: for one whose size is no number, or missing: it can never be told that all are there.
    init?(_ pod: PodNeeds, _ nodes: Nodes) throws {
        var (name, size) = (pod.group == 0 ? "" : nodes.text(pod.group), "")
        for label in pod.labels {
            let key = nodes.text(label.key)
            if key == Group.label { name = nodes.text(label.value) }
            if key == Self.sizeLabel { size = nodes.text(label.value) }
        }
        guard !name.isEmpty else { return nil }
        guard let number = Int(size), number > 0 else {
            throw ComponentError.unresolvable("its label \(Self.sizeLabel) is not the number of pods in its group")
        }
        self.init(uid: pod.uid, group: Group(namespace: pod.namespace, name: name), size: number)
    }
}
