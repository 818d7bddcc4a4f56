import HTTPServer
import HTTPTypes

/// What a request belongs to: a FlowSchema and the priority level that it names.
struct Flow: Sendable {
    private static let schemaName = HTTPField.Name("X-Kubernetes-PF-FlowSchema-UID")!
    private static let levelName = HTTPField.Name("X-Kubernetes-PF-PriorityLevel-UID")!

    /// The level is not bounded: what keeps the cluster alive, and its administrators.
    let isExempt: Bool
    let counts: FlowCounts.Flow
    private let fields: [HTTPField]

    /// - Parameters:
    ///   - schema: the FlowSchema's uid.
    ///   - level: that of the PriorityLevelConfiguration.
    init(schema: String, level: String, isExempt: Bool, counts: FlowCounts.Flow) {
        self.isExempt = isExempt
        self.counts = counts
        fields = [HTTPField(name: Self.schemaName, value: schema), HTTPField(name: Self.levelName, value: level)]
    }

    /// The response with the uids of both, by which clients see that this server holds back whom it must by itself.
    func named(in response: Response) -> Response {
        func headed(_ headers: HTTPFields) -> HTTPFields {
            var headers = headers
            for field in fields { headers.append(field) }
            return headers
        }
        switch response {
        case .full(let status, let headers, let body): return .full(status: status, headers: headed(headers), body: body)
        case .stream(let status, let headers, let write): return .stream(status: status, headers: headed(headers), write: write)
        case .upgrade(let headers, let run): return .upgrade(headers: headed(headers), run: run)
        }
    }
}
