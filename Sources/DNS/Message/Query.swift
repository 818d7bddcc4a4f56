/// What a client asks, read from its message without keeping any of it but the name.
struct Query: Sendable {
    var id: UInt16
    var flags: UInt16
    var question: Question
    /// Where the question ends in the client's message: what is before, after the header, is sent back as the client spelled it.
    var questionEnd: Int
    /// `nil` from a client without EDNS.
    var options: Options?

    /// What EDNS adds.
    struct Options: Sendable {
        /// The largest datagram that the client takes.
        var size: UInt16
        var version: UInt8
        var wantsDNSSEC: Bool
    }

    /// What there is to do with the bytes that came from a client.
    enum Arrival {
        case query(Query)
        /// Refused before it was understood: header and question go back as far as they could be read.
        case refused(id: UInt16, flags: UInt16, ResponseCode)
        /// Not worth an answer: too short, or an answer itself, which answering could go on for ever.
        case noise
    }

    /// What a client that names no size takes in one datagram.
    static let plainSize = 512
    /// More than this is sent in one datagram to nobody: it would be taken apart on its way, and whoever forged the client's address would
    /// have more sent there than he sent here.
    static let largestSize = 1232

    /// How large a datagram to the client may be.
    var datagramSize: Int { min(max(options.map { Int($0.size) } ?? 0, Self.plainSize), Self.largestSize) }

    static func read(_ bytes: UnsafeRawBufferPointer) -> Arrival {
        var reader = Reader(bytes)
        guard bytes.count >= Wire.headerSize, let id = try? reader.uint16(), let flags = try? reader.uint16(), flags & Wire.isResponse == 0
        else { return .noise }
        guard flags & Wire.operation == 0 else { return .refused(id: id, flags: flags, .notImplemented) }
        do {
            return .query(try Query(id: id, flags: flags, &reader))
        } catch {
            return .refused(id: id, flags: flags, .formatError)
        }
    }

    private init(id: UInt16, flags: UInt16, _ reader: inout Reader) throws(Malformed) {
        self.id = id
        self.flags = flags
        guard try reader.uint16() == 1 else { throw Malformed() }
        let between = [try reader.uint16(), try reader.uint16()]
        let additionals = try reader.uint16()
        let name = try reader.name()
        // Nothing is before it that it could refer to.
        guard reader.position == Wire.headerSize + name.bytes.count else { throw Malformed() }
        let type = RecordType(rawValue: try reader.uint16())
        question = Question(name: name, type: type, isInternet: try reader.uint16() == Wire.internet)
        questionEnd = reader.position
        // A query has none, but nothing forbids them.
        for count in between { for _ in 0..<count { _ = try reader.record() } }
        for _ in 0..<additionals {
            let (isRoot, type, recordClass, flags) = try reader.record()
            guard type == .opt else { continue }
            guard options == nil, isRoot else { throw Malformed() }
            options = Options(
                size: recordClass, version: UInt8(truncatingIfNeeded: flags >> 16), wantsDNSSEC: flags & Wire.wantsDNSSEC != 0)
        }
    }
}

extension Reader {
    /// Passes over a record, with what says what it is.
    fileprivate mutating func record() throws(Malformed) -> (isRoot: Bool, type: RecordType, recordClass: UInt16, timeToLive: UInt32) {
        let (name, type) = (try name(), RecordType(rawValue: try uint16()))
        let (recordClass, timeToLive, size) = (try uint16(), try uint32(), try uint16())
        _ = try take(Int(size))
        return (name == .root, type, recordClass, timeToLive)
    }
}
