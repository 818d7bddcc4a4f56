import APIModel
import Client
import Store

/// What plugins are asked about one request: written down once for all who see the object in one version, until it changes.
struct AdmissionQuestions {
    private let request: AdmissionRequest
    private var newest: (resource: GroupVersionResource, question: AdmissionQuestion)?

    init(_ request: AdmissionRequest) { self.request = request }

    /// The object is another one.
    mutating func forget() { newest = nil }

    mutating func question(_ shown: AdmissionCriteria.Shown, _ storage: Storage) -> AdmissionQuestion {
        let resource = storage.type.groupVersionResource
        if let newest, newest.resource == resource { return newest.question }
        let target = request.target
        let kind = request.kind(storage)
        let question = AdmissionQuestion(
            Self.operations[request.operation]!, isDryRun: request.context.isDryRun, resource: resource.description,
            kind: "\(kind.groupVersion)/\(kind.kind)", subresource: target.subresource, namespace: request.namespaceName,
            name: target.name, user: request.user.name, request: JSON.encode(request.review(storage)), object: Self.json(shown.object),
            oldObject: Self.json(shown.old), namespaceObject: namespace)
        newest = (resource, question)
        return question
    }

    /// The committed bytes, which need no encoding.
    private var namespace: [UInt8] {
        let name = request.namespaceName
        guard !name.isEmpty else { return [] }
        return request.registry.store.get(RecordKey(collection: "/namespaces", name: name))?.bytes ?? []
    }

    private static func json(_ object: Value) -> [UInt8] { object.isNull ? [] : JSON.encode(object) }

    private static let operations: [AdmissionRequest.Operation: AdmissionQuestion.Operation] = [
        .create: .create, .update: .update, .delete: .delete, .connect: .connect,
    ]
}
