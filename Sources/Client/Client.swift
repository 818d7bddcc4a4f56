public import APIModel

/// The API as a loop sees it. Two implementations: in process (no sockets, no re-encoding) and HTTPS. Nothing else may differ between them.
///
/// Every method throws `APIError` when the API refuses and when it cannot be reached (`.serviceUnavailable`), `CancellationError` when the
/// task is cancelled. Safe from any task.
public protocol Client: Sendable {
    /// `namespace` is `nil` for cluster-scoped kinds. `subresource` is `status`, `scale` …, or `nil`.
    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object

    /// `namespace` of `nil` means all. Follows `continue` by itself unless `options.limit` is set.
    func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList

    /// Changes after `options.resourceVersion`, in order, until the task is cancelled or the server ends the watch (the sequence finishes).
    /// A version that is too old throws `APIError` with reason `.expired`, here or from the sequence.
    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream

    /// Creates `object`; with a subresource, posts it there (`binding`, `eviction`, `token`), and `name` is the parent's.
    func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object

    func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object

    func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    ) async throws -> Object

    /// `options` is a `DeleteOptions`, or `.null`. Returns what the API answered: the object, or a `Status`.
    @discardableResult
    func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object

    /// Deletes, each as `delete` would, what the selectors of `selection` select. Stops at the first refusal: what was deleted until then stays
    /// deleted. Returns what was selected, as it was before.
    @discardableResult
    func deleteCollection(_ resource: GroupVersionResource, namespace: String?, selection: ListOptions, options: Value) async throws
        -> ObjectList

    /// The same API as another user, which this one must be allowed to impersonate.
    func impersonating(_ user: String, groups: [String]) -> any Client
}

extension Client {
    public func get(_ resource: GroupVersionResource, namespace: String? = nil, name: String) async throws -> Object {
        try await get(resource, namespace: namespace, name: name, subresource: nil)
    }
    public func list(_ resource: GroupVersionResource, namespace: String? = nil) async throws -> ObjectList {
        try await list(resource, namespace: namespace, options: ListOptions())
    }
    public func create(
        _ resource: GroupVersionResource, namespace: String? = nil, name: String? = nil, subresource: String? = nil, _ object: Value
    ) async throws -> Object {
        try await create(resource, namespace: namespace, name: name, subresource: subresource, object, options: WriteOptions())
    }
    public func update(
        _ resource: GroupVersionResource, namespace: String? = nil, name: String, subresource: String? = nil, _ object: Value
    ) async throws -> Object {
        try await update(resource, namespace: namespace, name: name, subresource: subresource, object, options: WriteOptions())
    }
    public func updateStatus(_ resource: GroupVersionResource, namespace: String? = nil, name: String, _ object: Value) async throws
        -> Object
    {
        try await update(resource, namespace: namespace, name: name, subresource: "status", object)
    }
    public func patch(
        _ resource: GroupVersionResource, namespace: String? = nil, name: String, subresource: String? = nil, _ kind: PatchKind,
        _ patch: Value
    ) async throws -> Object {
        try await self.patch(resource, namespace: namespace, name: name, subresource: subresource, kind, patch, options: WriteOptions())
    }
    @discardableResult
    public func delete(_ resource: GroupVersionResource, namespace: String? = nil, name: String) async throws -> Object {
        try await delete(resource, namespace: namespace, name: name, options: .null)
    }
}

public enum PatchKind: String, Sendable {
    case json = "application/json-patch+json"
    case merge = "application/merge-patch+json"
    case strategicMerge = "application/strategic-merge-patch+json"
    /// A configuration, merged by the server, which keeps in mind who owns which field.
    case apply = "application/apply-patch+yaml"
}

public struct ListOptions: Sendable {
    public var labelSelector = ""
    public var fieldSelector = ""
    /// For a list: at least as new as this; for a watch: what comes after. Empty means newest.
    public var resourceVersion = ""
    public var limit: Int?
    public var continueToken = ""
    public init() {}
    public init(labelSelector: String = "", fieldSelector: String = "", resourceVersion: String = "") {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.resourceVersion = resourceVersion
    }
}

public struct ObjectList: Sendable {
    public var items: [Object]
    public var resourceVersion: String
    public var continueToken: String
    public init(items: [Object], resourceVersion: String, continueToken: String = "") {
        self.items = items
        self.resourceVersion = resourceVersion
        self.continueToken = continueToken
    }
}

public struct WatchEvent: Sendable {
    public enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
    }
    public var kind: Kind
    public var object: Object
    public init(kind: Kind, object: Object) {
        self.kind = kind
        self.object = object
    }
}

/// A watch: ends when the server ends it, throws `APIError` when the server says ERROR.
public struct WatchStream: AsyncSequence, Sendable {
    public typealias Element = WatchEvent
    private let next: @Sendable () async throws -> WatchEvent?

    /// `next` returns the next event, `nil` at the end; it is called by one task at a time.
    public init(next: @escaping @Sendable () async throws -> WatchEvent?) { self.next = next }

    public struct Iterator: AsyncIteratorProtocol {
        let produce: @Sendable () async throws -> WatchEvent?
        public mutating func next() async throws -> WatchEvent? { try await produce() }
    }
    public func makeAsyncIterator() -> Iterator { Iterator(produce: next) }
}
