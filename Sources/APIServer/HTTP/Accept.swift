import APIModel

/// What a request accepts, as its header `Accept` says.
struct Accept: Sendable {
    /// The alternatives in the client's order of preference; anything, where there is no header.
    let types: [MediaType]

    init(_ header: String?) { self = Self.usual[header ?? ""] ?? Self(reading: header ?? "") }

    private init(reading header: String) {
        guard !header.trimmed.isEmpty else {
            types = [MediaType("*/*")]
            return
        }
        let all = header.split(separator: ",").map { MediaType($0) }
        types = all.enumerated().sorted { a, b in
            let (x, y) = (a.element.quality, b.element.quality)
            return x == y ? a.offset < b.offset : x > y
        }.map(\.element)
    }

    /// What nearly every request says, read already.
    private static let usual = Dictionary(
        uniqueKeysWithValues: [
            "", "*/*", "application/json", "application/json, */*", "application/vnd.kubernetes.protobuf",
            "application/vnd.kubernetes.protobuf,application/json", "application/vnd.kubernetes.protobuf, */*",
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
        ].map { ($0, Accept(reading: $0)) })

    /// Upstream's router looks at what is accepted before anybody else, and only at names as they are spelled: whoever accepts none of
    /// what a path produces is turned away, whatever the parameters say.
    /// - Throws: 406.
    func route(produces mediaTypes: [String]) throws {
        guard !types.contains(where: { $0.name == "*/*" || mediaTypes.contains($0.name) }) else { return }
        throw NotAcceptable.error(
            "406: Not Acceptable\n\nAvailable representations: \(mediaTypes.joined(separator: ", "))", details: .emptyObject)
    }
}
