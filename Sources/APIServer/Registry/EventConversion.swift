import APIModel
import OrderedCollections

/// `events.k8s.io/v1` over the core Event that is stored: the same facts under other names.
struct EventConversion: Conversion {
    private static let renamed = [
        ("regarding", "involvedObject"), ("note", "message"), ("deprecatedSource", "source"),
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"), ("deprecatedCount", "count"), ("reportingController", "reportingComponent"),
    ]

    func toStorage(_ object: Value) -> Value { Self.rename(object, Dictionary(uniqueKeysWithValues: Self.renamed)) }
    func fromStorage(_ object: Value, version: GroupVersion) -> Value {
        Self.rename(object, Dictionary(uniqueKeysWithValues: Self.renamed.map { ($1, $0) }))
    }

    private static func rename(_ object: Value, _ names: [String: String]) -> Value {
        .object(Value.Fields(object.fields.map { (names[$0.key] ?? $0.key, $0.value) }, uniquingKeysWith: { $1 }))
    }
}
