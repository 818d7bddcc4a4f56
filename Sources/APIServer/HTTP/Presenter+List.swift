import APIModel
import HTTPServer
import HTTPTypes
import Store

extension Presenter {
    func response(_ list: ListResult) throws -> Response {
        var headers = HTTPFields()
        headers[.contentType] = presentation.codec.contentType
        headers[.cacheControl] = "no-cache, private"
        return .full(status: .ok, headers: headers, body: try pieces(list))
    }

    /// The list in pieces: what is kept with the records is not copied.
    private func pieces(_ list: ListResult) throws -> [[UInt8]] {
        guard isShared else { return [try encode(shape(list))] }
        let items = try list.records.map(item)
        let metadata = metadata(list)
        guard presentation.codec == .json else {
            return [enveloped(try Protobuf.list(metadata: metadata, items: items, catalogue: catalogue), list: true)]
        }
        let (version, kind) = kind(list: true)
        var pieces: [[UInt8]] = []
        pieces.reserveCapacity(2 * items.count + 4)
        pieces.append(Array("{\"kind\":\"\(kind)\",\"apiVersion\":\"\(version)\",\"metadata\":".utf8))
        pieces.append(JSON.encode(metadata))
        pieces.append(Array(",\"items\":[".utf8))
        for item in items {
            pieces.append(item)
            pieces.append(Self.comma)
        }
        if !items.isEmpty { pieces.removeLast() }
        pieces.append(Array("]}\n".utf8))
        return pieces
    }

    private static let comma = [UInt8(ascii: ",")]

    private func metadata(_ list: ListResult) -> Value {
        [
            "resourceVersion": .string(String(list.revision)), "continue": list.continueToken.isEmpty ? .null : .string(list.continueToken),
            "remainingItemCount": list.continueToken.isEmpty ? .null : list.remaining.map { .int(Int64($0)) } ?? .null,
        ]
    }

    /// The list with its objects, whatever form the client wants.
    func whole(_ result: ListResult) throws -> Value { list(try result.records.map(value), metadata: metadata(result)) }

    private func shape(_ result: ListResult) throws -> Value {
        let items = try result.records.map(value)
        switch presentation.form {
        case .object: return list(items, metadata: metadata(result))
        case .table(let version): return table(inOrderOfRows(items), metadata: metadata(result), version: version)
        case .partial(let version): return list(items.map { Self.partial($0, version: version) }, metadata: metadata(result))
        }
    }

    /// FlowSchemas are shown in the order in which they are tried.
    private func inOrderOfRows(_ items: [Value]) -> [Value] {
        guard storage.collection == "flowcontrol.apiserver.k8s.io/flowschemas" else { return items }
        func rank(_ item: Value) -> (Whole, String) { (item["spec"]["matchingPrecedence"].int ?? 0, item["metadata"]["name"].string ?? "") }
        return items.sorted { rank($0) < rank($1) }
    }

    func list(_ items: [Value], metadata: Value) -> Value {
        let (version, kind) = kind(list: true)
        return ["kind": .string(kind), "apiVersion": .string(version), "metadata": metadata, "items": .array(items)]
    }
}
