/// The type of a record, or what a question asks for.
public struct RecordType: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let a = RecordType(rawValue: 1)
    public static let ns = RecordType(rawValue: 2)
    public static let cname = RecordType(rawValue: 5)
    public static let soa = RecordType(rawValue: 6)
    public static let ptr = RecordType(rawValue: 12)
    public static let hinfo = RecordType(rawValue: 13)
    public static let mx = RecordType(rawValue: 15)
    public static let txt = RecordType(rawValue: 16)
    public static let aaaa = RecordType(rawValue: 28)
    public static let srv = RecordType(rawValue: 33)
    public static let opt = RecordType(rawValue: 41)
    public static let ixfr = RecordType(rawValue: 251)
    public static let axfr = RecordType(rawValue: 252)
    public static let any = RecordType(rawValue: 255)
}

/// How a query went. Above 15 only with EDNS.
public struct ResponseCode: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let noError = ResponseCode(rawValue: 0)
    public static let formatError = ResponseCode(rawValue: 1)
    public static let serverFailure = ResponseCode(rawValue: 2)
    public static let nameError = ResponseCode(rawValue: 3)
    public static let notImplemented = ResponseCode(rawValue: 4)
    public static let refused = ResponseCode(rawValue: 5)
    public static let badVersion = ResponseCode(rawValue: 16)
}

/// Names of the fields in the second word of a header and in the flags of EDNS, and other numbers of the protocol.
enum Wire {
    static let headerSize = 12
    /// Of the OPT record without options.
    static let optionSize = 11
    static let internet: UInt16 = 1
    static let isResponse: UInt16 = 0x8000
    static let operation: UInt16 = 0x7800
    static let isAuthoritative: UInt16 = 0x0400
    static let isTruncated: UInt16 = 0x0200
    static let recursionDesired: UInt16 = 0x0100
    static let recursionAvailable: UInt16 = 0x0080
    static let isAuthenticated: UInt16 = 0x0020
    static let checkingDisabled: UInt16 = 0x0010
    static let code: UInt16 = 0x000f
    static let wantsDNSSEC: UInt32 = 0x8000
}
