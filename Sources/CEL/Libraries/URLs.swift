internal import OrderedCollections

extension Library {
    /// URLs and their parts.
    static let urls = Library(
        "kubernetes.urls",
        [
            Function(
                "url",
                .global("string_to_url", [.string], .url, cost: .traversing(keepsSize: true)) { a, _ throws(EvaluationError) in
                    let text = try a.string(0)
                    do throws(URL.ParseError) { return .object(URLValue(try URL(request: text))) } catch {
                        throw EvaluationError("URL parse error during conversion from string: \(error.message)")
                    }
                }),
            Function(
                "isURL",
                .global("is_url_string", [.string], .bool) { a, _ throws(EvaluationError) in
                    let text = try a.string(0)
                    return .bool((try? URL(request: text)) != nil)
                }),
            part("getScheme", "url_get_scheme") { $0.scheme }, part("getHost", "url_get_host") { $0.host },
            part("getHostname", "url_get_hostname") { $0.hostname }, part("getPort", "url_get_port") { $0.port },
            part("getEscapedPath", "url_get_escaped_path") { $0.escapedPath },
            Function(
                "getQuery",
                .method("url_get_query", [.url], .map(.string, .listOfStrings)) { a, _ throws(EvaluationError) in
                    let query = try a.object(0, as: URLValue.self).url.queryValues
                    return .map(MapValue(query.mapValues { .list(ListValue($0.map(CELValue.string))) }))
                }),
        ])

    private static func part(_ name: String, _ id: String, _ part: @escaping @Sendable (URL) -> String) -> Function {
        Function(
            name,
            .method(id, [.url], .string) { a, _ throws(EvaluationError) in .string(part(try a.object(0, as: URLValue.self).url)) })
    }
}

final class URLValue: ObjectValue {
    let url: URL
    init(_ url: URL) { self.url = url }

    var typeName: String { "kubernetes.URL" }
    var description: String { url.text }
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as URLValue) = other else { throw .noSuchOverload }
        return url.text == other.url.text
    }
}
