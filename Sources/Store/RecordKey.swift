/// Where a record lives: a collection, `apps/deployments` or `/pods` (group and plural), and in it `namespace/name`, or `name` for a
/// cluster-scoped kind.
public struct RecordKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var collection: String
    public var name: String

    public init(collection: String, name: String) {
        self.collection = collection
        self.name = name
    }

    /// The part of `name` before the slash, empty for a cluster-scoped kind.
    public var namespace: Substring { name.firstIndex(of: "/").map { name[..<$0] } ?? "" }

    public var description: String { "\(collection)/\(name)" }

    public static func < (left: RecordKey, right: RecordKey) -> Bool {
        left.collection == right.collection ? left.name < right.name : left.collection < right.collection
    }
}
