internal import OrderedCollections

/// The annotation in which `kubectl apply` without the server keeps what it applied, so that it can hand over to apply by the server.
enum LastApplied {
    static let annotation = "kubectl.kubernetes.io/last-applied-configuration"
    /// The manager to whom the annotation counts.
    static let manager = "kubectl"

    /// How many bytes all annotations of an object may have.
    private static let limit = 256 << 10

    /// The fields of the annotation that stand in the object as they were applied; `nil` when there is no annotation of this version.
    static func allowed(in live: Value, _ shape: MergeShape, apiVersion: String) -> FieldSet? {
        guard let text = live[path: "metadata", "annotations", annotation].string, !text.isEmpty,
            let last = try? JSON.decode(Array(text.utf8)), last["apiVersion"].string == apiVersion,
            (try? ApplyProblem.check(last, shape)) != nil, (try? ApplyProblem.check(live, shape)) != nil
        else { return nil }
        let differs = Comparison(last, live, shape)
        return FieldSet(of: last, shape).subtracting(differs.modified).subtracting(differs.added).subtracting(differs.removed)
    }

    /// Brings the annotation up to date where there is one.
    static func update(_ object: inout Value, with configuration: Value) {
        guard let text = object[path: "metadata", "annotations", annotation].string, !text.isEmpty else { return }
        var configuration = configuration
        if !configuration[path: "metadata", "annotations"].isNull { configuration["metadata"]["annotations"][annotation] = .null }
        object["metadata"]["annotations"][annotation] = .string(
            String(decoding: JSON.encode(configuration.withSortedFields), as: UTF8.self) + "\n")
        let size = object[path: "metadata", "annotations"].fields.reduce(0) { $0 + $1.key.utf8.count + ($1.value.string?.utf8.count ?? 0) }
        if size > limit { object["metadata"]["annotations"][annotation] = .null }
    }
}

extension Value {
    /// The same with the fields of every object in the order of their names.
    fileprivate var withSortedFields: Value {
        switch self {
        case .object(let fields):
            .object(
                Fields(
                    fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value.withSortedFields) }, uniquingKeysWith: { first, _ in first }))
        case .array(let elements): .array(elements.map(\.withSortedFields))
        default: self
        }
    }
}
