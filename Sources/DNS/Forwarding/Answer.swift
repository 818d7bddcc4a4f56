/// What others said about a question.
struct Answer: Sendable {
    var code: ResponseCode
    var answers: [Record]
    var authorities: [Record]
    var isAuthenticated: Bool

    init(_ message: Message) {
        code = message.code
        answers = message.answers
        authorities = message.authorities
        isAuthenticated = message.isAuthenticated
    }

    /// As upstream's configuration of its server has it: nothing is believed for longer.
    private static let longest: UInt32 = 30
    /// For an answer that names no time itself.
    private static let unnamed: UInt32 = 5

    /// In seconds, how long it may be given to others: what its records say, or its SOA record where it has none (RFC 2308).
    var lifetime: UInt32 {
        guard code == .noError || code == .nameError else { return code == .serverFailure ? Self.unnamed : 0 }
        if let shortest = answers.map(\.timeToLive).min(), code == .noError { return min(shortest, Self.longest) }
        guard let authority = authorities.first(where: { $0.type == .soa }) else { return Self.unnamed }
        let minimum = authority.data.suffix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return min(minimum, authority.timeToLive, Self.longest)
    }

    /// About how much memory it takes.
    var cost: Int { (answers + authorities).reduce(200) { $0 + $1.name.bytes.count + $1.data.count + 150 } }
}
