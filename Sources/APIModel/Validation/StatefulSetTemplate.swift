internal import OrderedCollections

/// The template of a StatefulSet as its Pods will have it: the controller gives each a volume for every claim, and a name of its own.
enum StatefulSetTemplate {
    /// The object with that template, to be judged in the place of `set`. Upstream: `volumesToAddForTemplates`.
    static func completed(_ set: Value) -> Value {
        let claims = set["spec"]["volumeClaimTemplates"].elements.compactMap { $0["metadata"]["name"].string }
        let spec = set["spec"]["template"]["spec"]
        guard !claims.isEmpty || !spec["hostname"].isEmpty || !spec["subdomain"].isEmpty else { return set }
        var completed = set
        completed["spec"]["template"]["spec"]["hostname"] = .null
        completed["spec"]["template"]["spec"]["subdomain"] = .null
        guard !claims.isEmpty else { return completed }
        let own = spec["volumes"].elements.filter { !claims.contains($0["name"].string ?? "") }
        completed["spec"]["template"]["spec"]["volumes"] = .array(
            claims.map { ["name": .string($0), "persistentVolumeClaim": ["claimName": .string($0)]] } + own)
        return completed
    }
}
