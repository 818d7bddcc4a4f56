import APIModel

/// What the container runtime can beyond the usual, as its `Status` tells. A runtime that tells nothing can nothing of it.
struct RuntimeFeatures: Equatable, Sendable {
    /// A handler's, by name; the usual one has the empty name.
    private var handlers: [String: Value] = [:]
    /// `supplementalGroupsPolicy: Strict`
    private(set) var groupsPolicy = false
    /// It puts devices into containers by what their drivers have written down of them.
    var readsDeviceSpecs = true

    init() {}

    /// - Parameter status: CRI's `StatusResponse`.
    init(_ status: Value) {
        for handler in status["runtime_handlers"].elements { handlers[handler.name] = handler["features"] }
        groupsPolicy = status[path: "features", "supplemental_groups_policy"].bool ?? false
    }

    /// core v1 NodeRuntimeHandlers.
    var runtimeHandlers: Value {
        let list = handlers.sorted { $0.key < $1.key }.map { name, features -> Value in
            let told: Value = [
                "recursiveReadOnlyMounts": .bool(features["recursive_read_only_mounts"].bool ?? false),
                "userNamespaces": .bool(features["user_namespaces"].bool ?? false),
            ]
            return ["name": .string(name), "features": told]
        }
        return list.isEmpty ? .null : .array(list)
    }

    /// What is mounted inside a mount can be made read-only with it.
    func recursiveReadOnly(_ handler: String) -> Bool { handlers[handler]?["recursive_read_only_mounts"].bool ?? false }
}
