import APIModel
import Client
import HTTPServer
import HTTPTypes

/// Reads the objects that requests bring: once, in whichever of the three encodings, checked against their type.
struct BodyReader: Sendable {
    /// Bytes.
    let limit: Int

    /// The bytes of the body.
    func bytes(_ request: Request) async throws -> [UInt8] {
        do {
            return try await request.body.collect(upTo: limit)
        } catch is RequestBody.TooLarge {
            throw APIError(code: 413, reason: .requestEntityTooLarge, message: "Request entity too large: limit is \(limit)")
        }
    }

    /// The object in the body, which must be of `kind`, without unknown fields.
    func object(_ request: Request, as kind: GroupVersionKind, schema: TypeSchema, _ write: WriteContext) async throws -> Value {
        var duplicates = Duplicates()
        let bytes = try await bytes(request)
        var object = try decode(
            bytes, contentType: request.header(.contentType), kind: kind, schema: schema, write.served.kinds, duplicates: &duplicates)
        if object.isNull { object = .emptyObject }
        guard case .object = object else { throw Self.unrecognized(Self.noObject(object), bytes, kind) }
        if write.served.kinds.catalogue.type(of: kind) == nil {
            try checkCustom(object, bytes, kind)
        } else {
            try check(&object, kind, write.served.kinds)
        }
        let unknown = try Pruning.decode(&object, schema: schema, kind: kind).map(Pruning.unknownField)
        let twice = duplicates.fields.map(Pruning.duplicateField)
        try write.report(duplicates.lines + (schema.isCustom ? twice + unknown : unknown + twice), kind: kind)
        return object
    }

    private static let deleteOptions = GroupVersionKind(group: "", version: "v1", kind: "DeleteOptions")

    /// Options have no group of their own; this one is every client's for them.
    private static let metaGroupVersion = GroupVersion(group: "meta.k8s.io", version: "v1")

    /// The options of a delete, from the body if there is one and from the query where the body says nothing.
    /// - Throws: 400 for a body that is something else: what was meant for another request must not delete.
    func deleteOptions(_ request: Request, _ kinds: Kinds) async throws -> DeleteOptions {
        let bytes = try await bytes(request)
        var value = Value.emptyObject
        if !bytes.isEmpty, let schema = kinds.type(of: Self.deleteOptions) {
            var duplicates = Duplicates()
            value = try decode(
                bytes, contentType: request.header(.contentType), kind: Self.deleteOptions, schema: schema, kinds, duplicates: &duplicates)
            try Self.checkIsDeleteOptions(value, schema, kinds)
            _ = try Pruning.decode(&value, schema: schema, kind: Self.deleteOptions)
        }
        if let grace = request.query("gracePeriodSeconds") {
            guard let seconds = Whole(grace) else {
                throw APIError.badRequest("strconv.ParseInt: parsing \(FieldError.quoted(grace)): invalid syntax")
            }
            if value["gracePeriodSeconds"].isNull { value["gracePeriodSeconds"] = .int(seconds) }
        }
        if let policy = request.query("propagationPolicy"), value["propagationPolicy"].isNull {
            value["propagationPolicy"] = .string(policy)
        }
        if let orphan = request.query("orphanDependents"), value["orphanDependents"].isNull {
            value["orphanDependents"] = .bool(orphan == "true")
        }
        var options = try DeleteOptions(value)
        options.isSent = !bytes.isEmpty
        return options
    }

    /// Every group version has the kind; what names another kind, or a group that is not served, is no option of a delete.
    private static func checkIsDeleteOptions(_ value: Value, _ schema: TypeSchema, _ kinds: Kinds) throws {
        guard case .object = value else { throw APIError.badRequest(noObject(value)) }
        let (version, kind) = (value["apiVersion"].string ?? "", value["kind"].string ?? "")
        guard version.isEmpty, kind.isEmpty else {
            guard let groupVersion = GroupVersion(version.isEmpty ? "v1" : version) else {
                throw APIError.badRequest("unexpected GroupVersion string: \(version)")
            }
            let named = GroupVersionKind(
                group: groupVersion.group, version: groupVersion.version, kind: kind.isEmpty ? deleteOptions.kind : kind)
            guard named.kind == deleteOptions.kind else {
                throw APIError.badRequest("no kind \"\(named.kind)\" is registered for version \"\(groupVersion)\"")
            }
            let isServed = kinds.groups.contains { $0.name == named.group && $0.versions.contains(named.version) }
            guard isServed || groupVersion == metaGroupVersion || kinds.type(of: named) === schema else {
                throw APIError.badRequest("no kind \"\(named.kind)\" is registered for version \"\(groupVersion)\"")
            }
            return
        }
    }

    /// The patch in the body.
    /// - Throws: 415 for a form that the kind cannot be patched in: a custom one knows no strategy of merging.
    func patch(_ request: Request, _ target: Target) async throws -> ObjectPatch {
        let isCustom = target.type.custom != nil
        guard let kind = Self.patchKind(request), !(isCustom && kind == .strategicMerge) else {
            let supported: [PatchKind] = [.json, .merge] + (isCustom ? [] : [.strategicMerge]) + [.apply]
            throw Self.unsupported(supported.map(\.rawValue))
        }
        if kind == .apply { return try configuration(try await bytes(request)) }
        do {
            return ObjectPatch(kind: kind, content: try JSON.decode(try await bytes(request)))
        } catch let error as JSON.Error {
            throw APIError.badRequest(kind == .strategicMerge ? "\(error)" : "error decoding patch: \(error)")
        }
    }

    /// How a request wants to patch: its media type as it is spelled.
    static func patchKind(_ request: Request) -> PatchKind? {
        PatchKind(rawValue: MediaType(request.header(.contentType) ?? "").name)
    }

    private static func unsupported(_ mediaTypes: [String]) -> APIError {
        let accepted = mediaTypes.joined(separator: ", ")
        return APIError(
            code: 415, reason: .unsupportedMediaType,
            message: "the body of the request was in an unknown format - accepted media types include: \(accepted)")
    }

    /// What a body says twice.
    private struct Duplicates {
        /// Sentences that name lines.
        var lines: [String] = []
        /// Paths.
        var fields: [String] = []
    }

    /// A configuration to apply. JSON is YAML, and read faster.
    private func configuration(_ bytes: [UInt8]) throws -> ObjectPatch {
        var twice: [String] = []
        if bytes.first == UInt8(ascii: "{"), let content = try? JSON.decode(bytes, duplicates: &twice), twice.isEmpty {
            return ObjectPatch(kind: .apply, content: content)
        }
        do {
            var duplicates: [YAML.Error] = []
            let content = try YAML.decode(String(decoding: bytes, as: UTF8.self), duplicates: &duplicates).first ?? .emptyObject
            guard case .object = content else {
                throw APIError.badRequest(
                    "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \(content.jsonType) into Go value of type map[string]interface {}"
                )
            }
            return ObjectPatch(kind: .apply, content: content, duplicates: duplicates.map { "line \($0.line): \($0.message)" })
        } catch let error as YAML.Error {
            throw APIError.badRequest("error decoding YAML: error converting YAML to JSON: \(error)")
        }
    }

    private func decode(
        _ bytes: [UInt8], contentType: String?, kind: GroupVersionKind, schema: TypeSchema, _ kinds: Kinds, duplicates: inout Duplicates
    )
        throws -> Value
    {
        let type = MediaType(contentType ?? "application/json")
        guard type.isWhole else { throw Self.unsupported(Codec.mediaTypes) }
        do {
            switch type.type {
            case "", "application/json": return try JSON.decode(bytes, duplicates: &duplicates.fields)
            case "application/yaml":
                var found: [YAML.Error] = []
                let documents = try YAML.decode(String(decoding: bytes, as: UTF8.self), duplicates: &found)
                if !found.isEmpty {
                    duplicates.lines = [
                        "yaml: unmarshal errors:\n" + found.map { "  line \($0.line): \($0.message)" }.joined(separator: "\n")
                    ]
                }
                return documents.first ?? .null
            case "application/vnd.kubernetes.protobuf": return try Protobuf.decodeUnknown(bytes, as: schema, catalogue: kinds.catalogue)
            default:
                throw Self.unsupported(Codec.mediaTypes)
            }
        } catch let error as APIError {
            throw error
        } catch {
            throw Self.unrecognized(error is JSON.Error ? "couldn't get version/kind; json parse error: \(error)" : "\(error)", bytes, kind)
        }
    }

    /// What Go says of JSON that is no object.
    private static func noObject(_ value: Value) -> String {
        let structure = #"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#
        return "couldn't get version/kind; json parse error: json: cannot unmarshal \(value.jsonType) into Go value of type \(structure)"
    }

    /// How much of a body is shown, in bytes.
    private static let excerpt = 30

    private static func unrecognized(_ why: String, _ bytes: [UInt8], _ kind: GroupVersionKind) -> APIError {
        let start = bytes.prefix(excerpt)
        let shown =
            if bytes.isEmpty {
                "<empty>"
            } else if bytes.first(where: { $0 > UInt8(ascii: " ") }) == UInt8(ascii: "{") {
                String(decoding: start, as: UTF8.self)
            } else {
                start.hexadecimal
            }
        let more = bytes.count > excerpt ? " ..." : ""
        return .badRequest("the object provided is unrecognized (must be of type \(kind.kind)): \(why) (\(shown)\(more))")
    }

    /// An object of a custom kind says itself what it is.
    private func checkCustom(_ object: Value, _ bytes: [UInt8], _ kind: GroupVersionKind) throws {
        guard let name = object["kind"].string, !name.isEmpty else {
            throw Self.unrecognized("Object 'Kind' is missing in '\(String(decoding: bytes, as: UTF8.self))'", bytes, kind)
        }
        let version = object["apiVersion"].string ?? ""
        guard version == kind.groupVersion.description else {
            throw APIError.badRequest(
                "the API version in the data (\(version)) does not match the expected API version (\(kind.groupVersion))")
        }
        guard name == kind.kind else {
            let error = FieldError.invalid("kind", .string(name), "must be \(kind.kind)")
            throw APIError.invalid(
                group: kind.group, kind: name, name: object[path: "metadata", "name"].string ?? "", errors: [error])
        }
    }

    /// What clients of older times send, and differs in nothing but its name.
    private static let olderForms = [
        GroupVersionKind(group: "policy", version: "v1beta1", kind: "Eviction"):
            GroupVersionKind(group: "policy", version: "v1", kind: "Eviction")
    ]

    /// A body may leave its kind out; what it says must be what the path says.
    private func check(_ object: inout Value, _ kind: GroupVersionKind, _ kinds: Kinds) throws {
        var (version, name) = (object["apiVersion"].string ?? "", object["kind"].string ?? "")
        if let given = GroupVersion(version.isEmpty ? kind.groupVersion.description : version) {
            let named = GroupVersionKind(group: given.group, version: given.version, kind: name.isEmpty ? kind.kind : name)
            if Self.olderForms[named] == kind {
                (version, name) = ("", "")
            } else if kinds.type(of: named) == nil {
                let why = "no kind \"\(named.kind)\" is registered for version \"\(given)\""
                throw APIError.badRequest("\(named.kind) in version \"\(given.version)\" cannot be handled as a \(kind.kind): \(why)")
            } else if named.kind != kind.kind {
                let (from, to) = ("\(given.version).\(named.kind)", "\(GoPackage.name(of: kind.group)).\(kind.kind)")
                throw APIError.badRequest(
                    "\(named.kind) in version \"\(given.version)\" cannot be handled as a \(kind.kind): converting (\(from)) to (\(to)): unknown conversion"
                )
            }
        }
        if !version.isEmpty, version != kind.groupVersion.description {
            throw APIError.badRequest(
                "the API version in the data (\(version)) does not match the expected API version (\(kind.groupVersion))")
        }
        object["apiVersion"] = .string(kind.groupVersion.description)
        object["kind"] = .string(kind.kind)
    }
}
