/// What a question asks, and of whom an answer is.
public struct Question: Hashable, Sendable {
    public var name: Name
    public var type: RecordType
    public var isInternet = true
}

/// One record as a message has it, with the names in its data written out.
public struct Record: Hashable, Sendable {
    public var name: Name
    public var type: RecordType
    var recordClass: UInt16
    public var timeToLive: UInt32
    public var data: [UInt8]
}

/// A whole message, as another server sends one.
public struct Message: Sendable {
    public var id: UInt16
    var flags: UInt16
    public var questions: [Question]
    public var answers: [Record]
    public var authorities: [Record]
    public var additionals: [Record]

    /// `nil` for bytes that are no DNS message. Costs no more than a small multiple of the bytes, whatever they say.
    public init?(decoding bytes: [UInt8]) {
        guard let message = bytes.withUnsafeBytes({ try? Message($0) }) else { return nil }
        self = message
    }

    init(_ bytes: UnsafeRawBufferPointer) throws(Malformed) {
        var reader = Reader(bytes)
        id = try reader.uint16()
        flags = try reader.uint16()
        let counts = [try reader.uint16(), try reader.uint16(), try reader.uint16(), try reader.uint16()]
        questions = []
        for _ in 0..<counts[0] {
            let (name, type) = (try reader.name(), RecordType(rawValue: try reader.uint16()))
            questions.append(Question(name: name, type: type, isInternet: try reader.uint16() == Wire.internet))
        }
        answers = try reader.records(counts[1])
        authorities = try reader.records(counts[2])
        additionals = try reader.records(counts[3])
    }

    public var isResponse: Bool { flags & Wire.isResponse != 0 }
    public var isTruncated: Bool { flags & Wire.isTruncated != 0 }
    public var isAuthoritative: Bool { flags & Wire.isAuthoritative != 0 }
    var isAuthenticated: Bool { flags & Wire.isAuthenticated != 0 }

    /// With the upper bits that EDNS has.
    public var code: ResponseCode {
        let upper = additionals.first { $0.type == .opt }.map { UInt16($0.timeToLive >> 24) } ?? 0
        return ResponseCode(rawValue: upper << 4 | flags & Wire.code)
    }
}

extension Reader {
    fileprivate mutating func records(_ count: UInt16) throws(Malformed) -> [Record] {
        var records: [Record] = []
        for _ in 0..<count {
            let (name, type) = (try name(), RecordType(rawValue: try uint16()))
            let (recordClass, timeToLive, size) = (try uint16(), try uint32(), try uint16())
            records.append(
                Record(
                    name: name, type: type, recordClass: recordClass, timeToLive: timeToLive, data: try data(of: type, Int(size))))
        }
        return records
    }
}
