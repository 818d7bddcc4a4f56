import APIModel
import Store

/// A list at one revision.
struct ListResult: Sendable {
    var records: [Record]
    var revision: UInt64
    var continueToken = ""
    var remaining: Int?
}

extension Registry {
    func get(_ target: Target) throws -> Record {
        guard let record = store.get(target.key) else { throw target.notFound }
        return record
    }

    func list(_ target: Target, _ query: ListQuery) async throws -> ListResult {
        let storage = target.storage
        let selection = try Selection(labels: query.labelSelector, fields: query.fieldSelector, storage, limit: selectorLimit)
        let token = query.continueToken.isEmpty ? nil : try ContinueToken(query.continueToken)
        var at = token?.revision
        if token == nil { at = try exactVersion(query) }
        var result = ListResult(records: [], revision: 0)
        var after = token?.after
        let limit = query.limit ?? .max
        let (namespace, name) = selection.place(in: target)
        while true {
            let page: Listing
            do throws(StoreError) {
                // With a selector a page of the store may hold little that is wanted, so pages are read until one of the client's is full.
                page = try store.list(
                    storage.collection, namespace: namespace, name: name, terms: selection.terms, at: at, after: after,
                    limit: query.limit.map { max($0, 500) })
            } catch {
                if case .compacted = error.code {
                    throw token.map(Self.expired) ?? Self.expired("too old resource version: \(query.resourceVersion)")
                }
                throw Self.error(error, target)
            }
            try await selection.prepare(page.records, self)
            at = page.revision
            result.revision = page.revision
            for (index, record) in page.records.enumerated() {
                if result.records.count == limit {
                    result.continueToken = ContinueToken(revision: page.revision, after: after ?? "").text
                    if selection.isEverything { result.remaining = page.records.count - index + page.remaining }
                    return result
                }
                after = record.key.name
                if selection.matches(record) { result.records.append(record) }
            }
            guard page.more else { return result }
        }
    }

    /// The version at which a list must be read, `nil` for the newest.
    private func exactVersion(_ query: ListQuery) throws -> UInt64? {
        guard let version = try query.version() else { return nil }
        try checkReached(version)
        return query.resourceVersionMatch == "Exact" ? version : nil
    }

    func checkReached(_ version: UInt64) throws {
        let current = store.revision
        guard version > current else { return }
        let message = "Too large resource version: \(version), current: \(current)"
        throw APIError(
            code: 504, reason: .timeout, message: "Timeout: \(message)",
            details: ["causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]], "retryAfterSeconds": 1])
    }

    /// With a token that goes on after the same key, in what is there by then.
    private static func expired(_ token: ContinueToken) -> APIError {
        var error = expired(tokenTooOld)
        error.metadata = ["continue": .string(ContinueToken(revision: nil, after: token.after).text)]
        return error
    }

    private static let tokenTooOld = """
        The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue \
        parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided \
        token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was \
        returned and now may show up in the list.
        """
}
