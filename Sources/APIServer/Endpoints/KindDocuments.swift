import APIModel
import Synchronization

/// What is told of the kinds that are served here and by aggregated servers, made anew when they change and kept until then.
final class KindDocuments: Sendable {
    /// What is told of one snapshot of kinds.
    struct Documents: Sendable {
        let kinds: Kinds
        let aggregated: UInt64
        let discovery: Discovery
        let openAPI: OpenAPIDocuments
    }

    private let registry: Registry
    private let aggregation: Aggregation
    private let serverAddress: String
    private let kept: Mutex<Documents?> = Mutex(nil)

    init(_ registry: Registry, _ aggregation: Aggregation, serverAddress: String) {
        self.registry = registry
        self.aggregation = aggregation
        self.serverAddress = serverAddress
    }

    var current: Documents {
        let (kinds, others) = (registry.served.kinds, aggregation.snapshot)
        return kept.withLock { kept in
            if let documents = kept, documents.kinds.version >= kinds.version, documents.aggregated >= others.version { return documents }
            let documents = Documents(
                kinds: kinds, aggregated: others.version, discovery: Discovery(kinds, others, serverAddress: serverAddress),
                openAPI: OpenAPIDocuments(kinds, others))
            kept = documents
            return documents
        }
    }
}
