/// The threads on which plugins are called: a pool for each kind, so that calls of one kind that do not return leave those of the others
/// alone, and one for beginning and ending plugins.
struct CallThreads: Sendable {
    private let pools: [ExtensionKind: ThreadPool]
    let lifeCycle = ThreadPool(name: "plugin-life", limit: 64)

    /// As many calls of one kind can be under way at once.
    private static let limit = 256

    init() {
        pools = Dictionary(
            uniqueKeysWithValues: ExtensionKind.allCases.map { kind in
                (kind, ThreadPool(name: "plugin-\(kind.rawValue.lowercased())", limit: Self.limit))
            })
    }

    subscript(kind: ExtensionKind) -> ThreadPool { pools[kind]! }
}
