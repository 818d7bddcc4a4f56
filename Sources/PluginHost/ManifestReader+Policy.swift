internal import APIModel

// What a scheduler policy observes.
extension ManifestReader {
    func policy(_ value: Value, kind: ExtensionKind) throws -> PolicyManifest? {
        guard !value.isNull else { return nil }
        guard kind == .schedulerPolicy else { throw error("spec.policy: only a SchedulerPolicy has it") }
        try allow(["watches"], in: value, at: "spec.policy")
        return PolicyManifest(
            watches: try list(value["watches"], at: "spec.policy.watches").enumerated().map { index, value in
                let path = "spec.policy.watches[\(index)]"
                try allow(["resource"] + Self.filters, in: value, at: path)
                return PolicyManifest.Watch(
                    resource: try resource(value["resource"], at: "\(path).resource"), filter: try filter(value, at: path))
            })
    }
}
