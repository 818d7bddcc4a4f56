/// Answers queries: from the zone at once, or says what has to be asked of others.
struct Responder {
    enum Outcome {
        /// An answer of that many bytes has been written.
        case reply(Int)
        /// Somebody else knows.
        case elsewhere(Elsewhere)
        case nothing
    }

    /// A query whose answer, or its end, others know.
    struct Elsewhere: Sendable {
        var query: Query
        /// The names in the cluster that lead to the question, in order.
        var aliases: [Record]
        /// What to ask.
        var question: Question
    }

    /// `nil` until there is one: nothing can be said about the cluster's names then.
    var zone: Zone?
    /// Goes on with every answer, so that each begins with another record.
    private var turn: UInt32 = 0

    /// No further than this from one alias to the next.
    private static let longestChain = 8

    init(zone: Zone? = nil) { self.zone = zone }

    /// - Parameters:
    ///   - message: what a client sent, whatever it is.
    ///   - reply: where to write the answer: 65535 bytes, or as many as `datagram` says or `Query.largestSize`.
    ///   - isDatagram: whether the answer must fit into what the client takes at once.
    mutating func respond(to message: UnsafeRawBufferPointer, into reply: UnsafeMutableRawBufferPointer, isDatagram: Bool) -> Outcome {
        switch Query.read(message) {
        case .noise: return .nothing
        case .refused(let id, let flags, let code): return .reply(ReplyWriter.refuse(reply, id: id, flags: flags, code))
        case .query(let query):
            var writer = Self.writer(query, message, reply, isDatagram: isDatagram)
            return respond(to: query, &writer)
        }
    }

    /// A writer for the answer to `query`, as long as the client takes it.
    static func writer(
        _ query: Query, _ message: UnsafeRawBufferPointer, _ reply: UnsafeMutableRawBufferPointer, isDatagram: Bool
    ) -> ReplyWriter {
        let size = isDatagram ? min(query.datagramSize, reply.count) : reply.count
        return ReplyWriter(UnsafeMutableRawBufferPointer(rebasing: reply[..<size]), answering: query, in: message)
    }

    private mutating func respond(to query: Query, _ writer: inout ReplyWriter) -> Outcome {
        func end(_ code: ResponseCode) -> Outcome { .reply(writer.finish(code, isAuthoritative: false)) }
        if let options = query.options, options.version != 0 { return end(.badVersion) }
        guard query.question.isInternet else { return end(.refused) }
        switch query.question.type {
        case .axfr, .ixfr, .opt: return end(.refused)
        case .any:
            // Whoever wants everything gets next to nothing (RFC 8482): it would be many times what he sent.
            writer.add(Self.everything, of: .question, to: .answer)
            return end(.noError)
        default: break
        }
        guard let zone else { return end(.serverFailure) }
        turn &+= 1
        return look(query, in: zone, &writer)
    }

    /// A CPU called `RFC8482`, which has no operating system.
    private static let everything = RecordSet(.hinfo, timeToLive: 3600, [[7] + Array("RFC8482".utf8) + [0]])

    private func look(_ query: Query, in zone: Zone, _ writer: inout ReplyWriter) -> Outcome {
        let type = query.question.type
        var owner = ReplyWriter.Owner.question
        var name = query.question.name
        var aliases: [Record] = []
        for _ in 0..<Self.longestChain {
            guard let node = zone[name] else {
                guard name.isWithin(zone.apex) else {
                    return .elsewhere(Elsewhere(query: query, aliases: aliases, question: Question(name: name, type: type)))
                }
                writer.add(zone.authority, of: .name(zone.apex), to: .authority)
                return .reply(writer.finish(.nameError, isAuthoritative: true))
            }
            if let set = node.set(type) {
                writer.add(set, of: owner, to: .answer, from: Int(turn % UInt32(clamping: max(set.count, 1))))
                if type == .srv { addTargets(of: set, in: zone, &writer) }
                return .reply(writer.finish(.noError, isAuthoritative: true))
            }
            guard let alias = node.set(.cname), let target = Self.target(of: alias) else {
                writer.add(zone.authority, of: .name(zone.apex), to: .authority)
                return .reply(writer.finish(.noError, isAuthoritative: true))
            }
            writer.add(alias, of: owner, to: .answer)
            aliases.append(
                Record(name: name, type: .cname, recordClass: Wire.internet, timeToLive: alias.timeToLive, data: target.bytes))
            name = target
            owner = .name(target)
        }
        return .reply(writer.finish(.serverFailure, isAuthoritative: true))
    }

    /// The addresses of the hosts that an SRV record names, as far as they fit.
    private func addTargets(of set: RecordSet, in zone: Zone, _ writer: inout ReplyWriter) {
        // Ports of a Service are on one host.
        var seen: Set<Name> = []
        set.forEach(from: 0) { data in
            guard !writer.isTruncated, seen.count < 100 else { return false }
            var reader = Reader(data)
            guard (try? reader.take(6)) != nil, let host = try? reader.name(), seen.insert(host).inserted, let node = zone[host]
            else { return true }
            for type in [RecordType.a, .aaaa] { if let set = node.set(type) { writer.add(set, of: .name(host), to: .additional) } }
            return true
        }
    }

    private static func target(of alias: RecordSet) -> Name? {
        var target: Name?
        alias.forEach(from: 0) { data in
            var reader = Reader(data)
            target = try? reader.name()
            return false
        }
        return target
    }

    /// Writes what others answered, after the aliases that led to them; of a `nil` answer, that there is none to be had.
    static func finish(_ elsewhere: Elsewhere, _ answer: Answer?, age: UInt32, _ writer: inout ReplyWriter) -> Int {
        for alias in elsewhere.aliases { writer.add(alias, timeToLive: alias.timeToLive, to: .answer) }
        guard let answer else { return writer.finish(.serverFailure, isAuthoritative: false) }
        for (records, section) in [(answer.answers, ReplyWriter.Section.answer), (answer.authorities, .authority)] {
            for record in records { writer.add(record, timeToLive: record.timeToLive - min(age, record.timeToLive), to: section) }
        }
        return writer.finish(answer.code, isAuthoritative: false, isAuthenticated: answer.isAuthenticated && elsewhere.aliases.isEmpty)
    }
}
