public import APIModel
internal import PluginAPI
internal import Synchronization

/// A kind of objects that the API serves, in one version.
public struct ServedKind: Hashable, Sendable {
    public var resource: GroupVersionResource
    /// `Deployment`
    public var kind: String
    public var isNamespaced: Bool
    /// Whether objects are kept in this version: of all kinds that show the same objects, one is.
    public var isStored: Bool
    /// Whether objects have the sub-resource `scale`.
    public var isScalable: Bool
    public var verbs: Verbs

    public init(
        resource: GroupVersionResource, kind: String, isNamespaced: Bool, isStored: Bool, isScalable: Bool = false, verbs: Verbs
    ) {
        self.resource = resource
        self.kind = kind
        self.isNamespaced = isNamespaced
        self.isStored = isStored
        self.isScalable = isScalable
        self.verbs = verbs
    }

    public struct Verbs: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let get = Verbs(rawValue: APUS_VERB_GET)
        public static let list = Verbs(rawValue: APUS_VERB_LIST)
        public static let watch = Verbs(rawValue: APUS_VERB_WATCH)
        public static let create = Verbs(rawValue: APUS_VERB_CREATE)
        public static let update = Verbs(rawValue: APUS_VERB_UPDATE)
        public static let patch = Verbs(rawValue: APUS_VERB_PATCH)
        public static let delete = Verbs(rawValue: APUS_VERB_DELETE)
        public static let deleteCollection = Verbs(rawValue: APUS_VERB_DELETE_COLLECTION)
    }
}

/// The kinds that the API serves at one moment.
public struct ServedKinds: Sendable {
    public static let none = ServedKinds(generation: 0, [])

    /// Grows with every change.
    public let generation: Int64
    /// In the order of discovery: the preferred version of a group before the others.
    public let all: [ServedKind]
    private let byKind: [GroupVersionKind: Int]
    private let byResource: [String: Int]
    private let preferred: [String: Int]
    private let stored: [String: Int]

    init(generation: Int64, _ all: [ServedKind]) {
        self.generation = generation
        self.all = all
        byKind = Dictionary(all.enumerated().map { ($1.groupVersionKind, $0) }, uniquingKeysWith: { first, _ in first })
        byResource = Dictionary(
            all.enumerated().map { ("\($1.resource.group)/\($1.resource.resource)", $0) },
            uniquingKeysWith: { first, next in all[next].isStored ? next : first })
        preferred = Dictionary(all.enumerated().map { (Self.name($1), $0) }, uniquingKeysWith: { first, _ in first })
        stored = Dictionary(
            all.enumerated().filter { $1.isStored }.map { (Self.name($1), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The kind as objects of it are kept, whichever of its versions is asked for: the one that the shared cache has. `nil` where there is
    /// no such kind, or not in this version.
    public func stored(_ kind: GroupVersionKind) -> ServedKind? {
        byKind[kind].map { index in all[stored[Self.name(all[index])] ?? index] }
    }

    /// The kind in this version.
    public func kind(_ kind: GroupVersionKind) -> ServedKind? { byKind[kind].map { all[$0] } }

    /// The kind in the preferred of its versions, whichever it is called by.
    public func preferred(group: String, kind: String) -> ServedKind? { preferred["\(group)/\(kind)"].map { all[$0] } }

    /// The resource as its objects are kept.
    public func stored(group: String, resource: String) -> ServedKind? { byResource["\(group)/\(resource)"].map { all[$0] } }

    private static func name(_ kind: ServedKind) -> String { "\(kind.resource.group)/\(kind.kind)" }
}

extension ServedKind {
    fileprivate var groupVersionKind: GroupVersionKind {
        GroupVersionKind(group: resource.group, version: resource.version, kind: kind)
    }
}

/// Which kinds there are: those that come with the host, and custom ones as they come and go. Safe from any thread.
public final class HostKinds: @unchecked Sendable {
    // Sendable because the host's table is constant and its function may be called from any thread; the rest is behind a lock.
    private let table: UnsafePointer<apus_host_kinds>
    private let context: UnsafeMutableRawPointer?
    private let newest = Mutex(ServedKinds.none)

    init(table: UnsafePointer<apus_host_kinds>, context: UnsafeMutableRawPointer?) {
        self.table = table
        self.context = context
    }

    /// The newest. Costs nothing while nothing has changed.
    /// - Throws: `ComponentError.unavailable` before `start`.
    public var current: ServedKinds {
        get throws {
            let known = newest.withLock { $0 }
            let received = Received()
            var generation = known.generation
            var sink = apus_kind_sink(
                size: UInt32(MemoryLayout<apus_kind_sink>.size), context: Unmanaged.passUnretained(received).toOpaque()
            ) {
                context, kind in
                if let kind = ServedKind(kind.pointee) { instance(context, as: Received.self).kinds.append(kind) }
            }
            let status = withExtendedLifetime(received) { table.pointee.list(context, &generation, &sink) }
            guard status == APUS_OK else { throw ComponentError.unavailable("the host does not say which kinds there are: \(status)") }
            guard generation != known.generation else { return known }
            let kinds = ServedKinds(generation: generation, received.kinds)
            newest.withLock { if $0.generation < generation { $0 = kinds } }
            return kinds
        }
    }

    private final class Received {
        var kinds: [ServedKind] = []
    }
}

extension ServedKind {
    fileprivate init?(_ kind: apus_kind) {
        guard let resource = GroupVersionResource(kind.resource.string) else { return nil }
        self.init(
            resource: resource, kind: kind.kind.string, isNamespaced: kind.flags & APUS_KIND_NAMESPACED != 0,
            isStored: kind.flags & APUS_KIND_STORED != 0, isScalable: kind.flags & APUS_KIND_SCALABLE != 0,
            verbs: Verbs(rawValue: kind.verbs))
    }
}
