import APIModel
import HTTPServer
import HTTPTypes
import OrderedCollections
import Synchronization

/// `/openapi/v2` and `/openapi/v3`: each document is made when first asked for and then kept.
final class OpenAPIDocuments: Sendable {
    private struct Document: Sendable {
        var bytes: [UInt8]
        var hash: String
    }

    private let kinds: Kinds
    private let others: Aggregation.Snapshot
    private let documents = Mutex<[String: Document]>([:])

    init(_ kinds: Kinds, _ others: Aggregation.Snapshot) {
        self.kinds = kinds
        self.others = others
    }

    /// The answer to a path below `/openapi`, `nil` when there is no such document.
    func answer(_ request: Request, path: String) -> Response? {
        let etag = request.header(.ifNoneMatch)
        if path == "/openapi/v3" || path == "/openapi/v3/" {
            let document = document(path) { self.index() }
            return ETag.answer(document.bytes, hash: document.hash, type: "application/json", ifNoneMatch: etag)
        }
        if path == "/openapi/v2" {
            for type in Accept(request.header(.accept)).types.map(\.type) {
                if Codec.byMediaType[type] == .json {
                    let document = document(path) { self.second }
                    return ETag.answer(document.bytes, hash: document.hash, type: "application/json", ifNoneMatch: etag)
                }
                if Self.protobufTypes.contains(type) {
                    let document = document(Self.protobufTypes[0]) { OpenAPI.protobuf(self.second) }
                    return ETag.answer(document.bytes, hash: document.hash, type: Self.protobufTypes[0], ifNoneMatch: etag)
                }
            }
            return .full(status: .notAcceptable, headers: [:], body: [])
        }
        let document: Document
        if let version = version(path) {
            document = versionDocument(version)
        } else if let page = OpenAPIPage.all(kinds).first(where: { path == "/openapi/v3/\($0.path)" }) {
            document = self.document(page.path) { page.document(kinds.catalogue) }
        } else {
            return path.hasPrefix("/openapi/v3/") ? .full(status: .notFound, headers: [:], body: []) : nil
        }
        return ETag.answer(
            document.bytes, hash: document.hash, type: "application/json", ifNoneMatch: etag,
            isImmutable: request.query("hash") == document.hash)
    }

    /// What `kubectl` before 1.27 asks for, last. `@` may not stand in a media type, so the answer says it with a point, as upstream's
    /// does.
    private static let protobufTypes = [
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf",
    ]

    /// OpenAPI 2.0 of this server with what others add to it; where two describe the same, this server is believed.
    private var second: Value {
        var whole = OpenAPI.v2(kinds: kinds)
        let others = others.documents.sorted { $0.key.description < $1.key.description }.map(\.value.openAPI)
        for part in ["paths", "definitions"] where !others.isEmpty {
            var entries = whole[part].fields
            for document in others { entries.merge(document[part].fields) { own, _ in own } }
            whole[part] = .object(entries)
        }
        return whole
    }

    private func document(_ path: String, _ make: () -> Value) -> Document { document(path) { JSON.encode(make()) } }

    private func document(_ key: String, _ make: () -> [UInt8]) -> Document {
        documents.withLock { documents in
            if let document = documents[key] { return document }
            let bytes = make()
            let document = Document(bytes: bytes, hash: ContentHash.hex(bytes))
            documents[key] = document
            return document
        }
    }

    private func versionDocument(_ version: GroupVersion) -> Document {
        document(Self.path(version)) { OpenAPI.v3(groupVersion: version, kinds: kinds) }
    }

    private static func path(_ version: GroupVersion) -> String {
        version.group.isEmpty ? "api/\(version.version)" : "apis/\(version.group)/\(version.version)"
    }

    private func version(_ path: String) -> GroupVersion? {
        for (group, versions) in kinds.groups.map({ ($0.name, $0.versions) }) {
            for version in versions {
                let candidate = GroupVersion(group: group, version: version)
                if path == "/openapi/v3/\(Self.path(candidate))" { return candidate }
            }
        }
        return nil
    }

    /// Names every document by the hash of its content, which takes making them all, once; only those that are asked for are kept.
    private func index() -> Value {
        var paths: Value.Fields = [:]
        for (group, versions) in kinds.groups.map({ ($0.name, $0.versions) }) {
            for version in versions {
                let version = GroupVersion(group: group, version: version)
                let hash = ContentHash.hex(JSON.encode(OpenAPI.v3(groupVersion: version, kinds: kinds)))
                paths[Self.path(version)] = ["serverRelativeURL": .string("/openapi/v3/\(Self.path(version))?hash=\(hash)")]
            }
        }
        for page in OpenAPIPage.all(kinds) {
            let hash = ContentHash.hex(JSON.encode(page.document(kinds.catalogue)))
            paths[page.path] = ["serverRelativeURL": .string("/openapi/v3/\(page.path)?hash=\(hash)")]
        }
        for (version, documents) in others.documents where !documents.openAPIHash.isEmpty {
            let address = "/openapi/v3/\(Self.path(version))?hash=\(documents.openAPIHash)"
            paths[Self.path(version)] = ["serverRelativeURL": .string(address)]
        }
        return ["paths": .object(paths)]
    }
}
