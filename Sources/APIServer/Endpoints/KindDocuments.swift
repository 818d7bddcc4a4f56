import APIModel
import Synchronization

/// What is told of the kinds that are served, made anew when they change and kept until then.
final class KindDocuments: Sendable {
    /// What is told of one snapshot of kinds.
    struct Documents: Sendable {
        let kinds: Kinds
        let discovery: Discovery
        let openAPI: OpenAPIDocuments
    }

    private let registry: Registry
    private let serverAddress: String
    private let kept: Mutex<Documents?> = Mutex(nil)

    init(_ registry: Registry, serverAddress: String) {
        self.registry = registry
        self.serverAddress = serverAddress
    }

    var current: Documents {
        let kinds = registry.served.kinds
        return kept.withLock { kept in
            if let documents = kept, documents.kinds.version >= kinds.version { return documents }
            let documents = Documents(
                kinds: kinds, discovery: Discovery(kinds, serverAddress: serverAddress), openAPI: OpenAPIDocuments(kinds))
            kept = documents
            return documents
        }
    }
}
