import APIModel
import Client
import HTTPServer
import HTTPTypes

/// Reads the objects that requests bring: once, in whichever of the three encodings, checked against their type.
struct BodyReader: Sendable {
    static let limit = 3 << 20
    let catalogue: Catalogue

    /// The bytes of the body.
    func bytes(_ request: Request) async throws -> [UInt8] {
        do {
            return try await request.body.collect(upTo: Self.limit)
        } catch is RequestBody.TooLarge {
            throw APIError(code: 413, reason: .requestEntityTooLarge, message: "Request entity too large: limit is \(Self.limit)")
        }
    }

    /// The object in the body, which must be of `kind`, without unknown fields.
    func object(_ request: Request, as kind: GroupVersionKind, schema: TypeSchema, _ checks: FieldChecks) async throws -> Value {
        var duplicates: [String] = []
        var object = try decode(
            try await bytes(request), contentType: request.headers[.contentType], kind: kind, schema: schema, duplicates: &duplicates)
        guard case .object = object else {
            throw APIError.badRequest("the object provided is unrecognized (must be of type \(kind.kind)): it is no JSON object")
        }
        try check(&object, kind)
        let unknown = try Pruning.decode(&object, schema: schema, kind: kind)
        try checks.report(unknown: unknown, duplicates: duplicates, kind: kind)
        return object
    }

    /// The options of a delete, from the body if there is one and from the query where the body says nothing.
    func deleteOptions(_ request: Request) async throws -> (options: DeleteOptions, isDryRun: Bool) {
        let bytes = try await bytes(request)
        var value = Value.emptyObject
        if !bytes.isEmpty, let schema = catalogue.type(named: "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions") {
            var duplicates: [String] = []
            let kind = GroupVersionKind(group: "", version: "v1", kind: "DeleteOptions")
            value = try decode(bytes, contentType: request.headers[.contentType], kind: kind, schema: schema, duplicates: &duplicates)
            _ = try Pruning.decode(&value, schema: schema, kind: kind)
        }
        if let grace = request.query("gracePeriodSeconds") {
            guard let seconds = Int64(grace) else { throw APIError.badRequest("gracePeriodSeconds must be a number") }
            if value["gracePeriodSeconds"].isNull { value["gracePeriodSeconds"] = .int(seconds) }
        }
        if let policy = request.query("propagationPolicy"), value["propagationPolicy"].isNull {
            value["propagationPolicy"] = .string(policy)
        }
        if let orphan = request.query("orphanDependents"), value["orphanDependents"].isNull {
            value["orphanDependents"] = .bool(orphan == "true")
        }
        let dryRun = try Self.dryRun(
            value["dryRun"].elements.compactMap(\.string) + request.query.filter { $0.name == "dryRun" }.map(\.value))
        return (try DeleteOptions(value), dryRun)
    }

    /// The patch in the body.
    func patch(_ request: Request, _ checks: FieldChecks) async throws -> ObjectPatch {
        let type = MediaType(request.headers[.contentType] ?? "").type
        guard let kind = PatchKind(rawValue: type) else {
            let supported = "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json"
            let what =
                type.hasPrefix("application/apply-patch")
                ? "server-side apply (\(type)) is not supported" : "the body of the request was in an unknown format"
            throw APIError(code: 415, reason: .unsupportedMediaType, message: "\(what) - accepted media types include: \(supported)")
        }
        do {
            return ObjectPatch(kind: kind, content: try JSON.decode(try await bytes(request)), fields: checks)
        } catch let error as JSON.Error {
            throw APIError.badRequest("error decoding patch: \(error)")
        }
    }

    static func dryRun(_ values: [String]) throws -> Bool {
        for value in values where value != "All" {
            throw APIError(
                code: 422, reason: .invalid,
                message: "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: \"\(value)\": supported values: \"All\"")
        }
        return !values.isEmpty
    }

    private func decode(_ bytes: [UInt8], contentType: String?, kind: GroupVersionKind, schema: TypeSchema, duplicates: inout [String])
        throws -> Value
    {
        let type = MediaType(contentType ?? "application/json").type
        do {
            switch type {
            case "", "application/json": return try JSON.decode(bytes, duplicates: &duplicates)
            case "application/yaml": return try YAML.decode(String(decoding: bytes, as: UTF8.self)).first ?? .null
            case "application/vnd.kubernetes.protobuf": return try Protobuf.decodeUnknown(bytes, as: schema, catalogue: catalogue)
            default:
                throw APIError(
                    code: 415, reason: .unsupportedMediaType,
                    message:
                        "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf"
                )
            }
        } catch let error as APIError {
            throw error
        } catch {
            throw APIError.badRequest(
                "the object provided is unrecognized (must be of type \(kind.kind)): couldn't get version/kind; \(type.isEmpty ? "json" : type) parse error: \(error)"
            )
        }
    }

    /// A body may leave its kind out; what it says must be what the path says.
    private func check(_ object: inout Value, _ kind: GroupVersionKind) throws {
        let (version, name) = (object["apiVersion"].string ?? "", object["kind"].string ?? "")
        if !version.isEmpty, version != kind.groupVersion.description {
            throw APIError.badRequest(
                "the API version in the data (\(version)) does not match the expected API version (\(kind.groupVersion))")
        }
        if !name.isEmpty, name != kind.kind {
            throw APIError.badRequest(
                "\(name) in version \"\(kind.version)\" cannot be handled as a \(kind.kind): no kind \"\(name)\" is expected here")
        }
        object["apiVersion"] = .string(kind.groupVersion.description)
        object["kind"] = .string(kind.kind)
    }
}
