import HTTPServer
import HTTPTypes

/// What a request belongs to: a FlowSchema and the priority level that it names.
final class Flow: Sendable {
    private static let schemaName = HTTPField.Name("X-Kubernetes-PF-FlowSchema-UID")!
    private static let levelName = HTTPField.Name("X-Kubernetes-PF-PriorityLevel-UID")!

    /// By what the requests of one schema are told apart, so that each gets its share.
    enum Distinguisher: String, Sendable {
        case user = "ByUser"
        case namespace = "ByNamespace"

        func value(_ user: UserInfo, _ info: RequestInfo) -> String {
            switch self {
            case .user: user.name
            case .namespace: info.namespace
            }
        }
    }

    let schema: String
    let level: PriorityLevel
    /// Where the level counts the schema's requests.
    let place: Int
    let distinguisher: Distinguisher?
    /// The most seats that one request may take.
    let mostSeats: Int
    private let hash: UInt64
    private let fields: [HTTPField]

    /// - Parameters:
    ///   - uid: the FlowSchema's.
    ///   - levelUID: that of the PriorityLevelConfiguration.
    init(schema: String, uid: String, level: PriorityLevel, levelUID: String, distinguisher: Distinguisher?, mostSeats: Int) {
        self.schema = schema
        self.level = level
        self.distinguisher = distinguisher
        self.mostSeats = mostSeats
        place = level.place(of: schema)
        hash = ShuffleSharding.hash(schema)
        fields = [HTTPField(name: Self.schemaName, value: uid), HTTPField(name: Self.levelName, value: levelUID)]
    }

    /// A seat at the level.
    /// - Throws: 429 when there is none, and none to wait for.
    func enter(_ user: UserInfo, _ info: RequestInfo, _ work: WorkEstimate, patience: Duration) async throws -> Held {
        let value = distinguisher?.value(user, info) ?? ""
        let visit = PriorityLevel.Visit(flow: self, distinguisher: value, user: user, info: info)
        return try await level.enter(visit, work, hash: ShuffleSharding.hash(value, onto: hash), patience: patience)
    }

    /// The response with the uids of both, by which clients see that this server holds back whom it must by itself.
    func named(in response: Response) -> Response { response.adding(fields) }
}
