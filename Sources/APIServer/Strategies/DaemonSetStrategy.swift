import APIModel

/// DaemonSets: an annotation counts their templates, for clients and Pods of older times.
struct DaemonSetStrategy: Strategy {
    private static let generation = "deprecated.daemonset.template.generation"

    func prepareForCreate(_ daemonSet: inout Value, _ target: Target, _ write: WriteContext) async throws {
        if (Self.generation(of: daemonSet) ?? 0) < 1 { daemonSet["metadata"]["annotations"][Self.generation] = "1" }
    }

    func prepareForUpdate(_ daemonSet: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        guard target.subresource.isEmpty, let before = Self.generation(of: old) else { return }
        let isSame = daemonSet[path: "spec", "template"] == old[path: "spec", "template"]
        daemonSet["metadata"]["annotations"][Self.generation] = .string(String(isSame ? before : before + 1))
    }

    private static func generation(of daemonSet: Value) -> Whole? {
        daemonSet["metadata"]["annotations"][generation].string.flatMap { Whole($0) }
    }
}
