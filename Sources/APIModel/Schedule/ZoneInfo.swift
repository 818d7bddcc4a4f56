internal import Glibc
internal import Synchronization

/// A time zone of the IANA database, as the machine has it under `/usr/share/zoneinfo`.
public struct ZoneInfo: Hashable, Sendable {
    /// A moment as the clocks of the zone show it.
    public struct Local: Hashable, Sendable {
        public var year, month, day, hour, minute, second: Int64
        /// From Sunday, 0.
        public var weekday: Int64
    }

    private struct Transition: Hashable {
        var time: Whole
        /// Seconds east of Greenwich from then on.
        var offset: Whole
    }

    private var first: Whole = 0
    private var transitions: [Transition] = []
    /// What goes on after the last transition.
    private var rule: ZoneRule?

    public static let utc = ZoneInfo()

    /// The zone of the machine: of `TZ`, or of `/etc/localtime`, else UTC.
    public static let local: ZoneInfo = {
        if let name = getenv("TZ").map({ String(cString: $0) }) { return ZoneInfo.named(name.isEmpty ? "UTC" : name) ?? .utc }
        return read("/etc/localtime").flatMap(ZoneInfo.init(data:)) ?? .utc
    }()

    private static let known = Mutex<[String: ZoneInfo]>([:])

    /// The zone `Europe/Berlin`, `nil` where the machine knows none of the name. Safe from any thread; reads a small file once.
    public static func named(_ name: String) -> ZoneInfo? {
        if name == "UTC" || name.isEmpty { return .utc }
        guard isWellFormed(name) else { return nil }
        if let zone = known.withLock({ $0[name] }) { return zone }
        guard let zone = read("/usr/share/zoneinfo/\(name)").flatMap(ZoneInfo.init(data:)) else { return nil }
        known.withLock { $0[name] = zone }
        return zone
    }

    /// Whether it is a name and not a way out of the database: parts of letters, digits, `.`, `-`, `_` and `+`, 14 at most each.
    static func isWellFormed(_ name: String) -> Bool {
        name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            part != "." && part != ".." && !part.hasPrefix("-") && (1...14).contains(part.utf8.count)
                && part.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "a")...UInt8(ascii: "z"):
                        true
                    default: ".-_+".utf8.contains(byte)
                    }
                }
        }
    }

    private init() {}

    private static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        // The largest zone has less than 4 KB.
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(file, &bytes, bytes.count)
        return count > 0 ? Array(bytes[..<count]) : nil
    }
}

// MARK: - The file, RFC 9636

extension ZoneInfo {
    private struct Header {
        var version: UInt8
        /// UT indicators, standard indicators, leap seconds, transitions, types, characters.
        var counts: [Int]

        init?(_ data: ArraySlice<UInt8>) {
            guard data.count >= 44, data.prefix(4).elementsEqual("TZif".utf8) else { return nil }
            version = data[data.startIndex + 4]
            counts = (0..<6).map { index in Int(ZoneInfo.number(data.dropFirst(20 + index * 4).prefix(4))) }
            guard counts.allSatisfy({ (0...65536).contains($0) }) else { return nil }
        }

        func length(timeSize: Int) -> Int {
            counts[3] * (timeSize + 1) + counts[4] * 6 + counts[5] + counts[2] * (timeSize + 4) + counts[1] + counts[0]
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 {
        var number: Int64 = bytes.first.map { $0 >= 128 ? -1 : 0 } ?? 0
        for byte in bytes { number = number << 8 | Int64(byte) }
        return number
    }

    /// `nil` for what is no zone file.
    init?(data: [UInt8]) {
        guard var header = Header(data[...]) else { return nil }
        var body = data.dropFirst(44)
        var size = 4
        if header.version >= UInt8(ascii: "2") {
            // The same again, with times of 64 bits.
            let second = body.dropFirst(header.length(timeSize: 4))
            guard let wide = Header(second) else { return nil }
            (header, body, size) = (wide, second.dropFirst(44), 8)
        }
        let length = header.length(timeSize: size)
        guard body.count >= length, header.counts[4] > 0 else { return nil }
        let (count, types) = (header.counts[3], header.counts[4])
        let kinds = body.dropFirst(count * size)
        let records = kinds.dropFirst(count)
        let offsets = (0..<types).map { Whole(Self.number(records.dropFirst($0 * 6).prefix(4))) }
        first = offsets[0]
        for index in 0..<count {
            let kind = Int(kinds[kinds.startIndex + index])
            guard kind < types else { return nil }
            transitions.append(Transition(time: Whole(Self.number(body.dropFirst(index * size).prefix(size))), offset: offsets[kind]))
        }
        if size == 8 {
            let footer = body.dropFirst(length + 1).prefix { $0 != UInt8(ascii: "\n") }
            rule = ZoneRule(String(decoding: footer, as: UTF8.self))
        }
    }
}

// MARK: - Times

extension ZoneInfo {
    /// Seconds east of Greenwich at a moment in seconds since 1970.
    public func offset(at time: Whole) -> Whole {
        guard let last = transitions.last else { return rule?.offset(at: time) ?? first }
        if time >= last.time { return rule?.offset(at: time) ?? last.offset }
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? first : transitions[low - 1].offset
    }

    public func local(_ time: Whole) -> Local {
        let shown = (time + offset(at: time)).int64
        var day = shown / 86400
        var second = shown % 86400
        if second < 0 { (day, second) = (day - 1, second + 86400) }
        let (year, month, date) = Timestamp.civil(day: day)
        let weekday = ((day + 4) % 7 + 7) % 7
        return Local(
            year: year, month: month, day: date, hour: second / 3600, minute: second / 60 % 60, second: second % 60, weekday: weekday)
    }

    /// The first moment of a day: midnight, or, where the clocks skip that, when they go on.
    public func instant(year: Int64, month: Int64, day: Int64) -> Whole {
        let shown = Whole(Timestamp.day(year: year, month: month, day: day)) * 86400
        // Of the offsets around it, the one that holds; where none does, the moment of the jump is between the two.
        let around = [offset(at: shown - 86400), offset(at: shown + 86400)]
        let fitting = around.map { shown - $0 }.filter { $0 + offset(at: $0) == shown }
        if let instant = fitting.min() { return instant }
        var (low, high) = (shown - 86400, shown + 86400)
        while low < high {
            let middle = low + (high - low) / 2
            if middle + offset(at: middle) >= shown { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// `2026-03-01T02:30:00+01:00`, in UTC with a `Z`.
    public func text(_ time: Whole) -> String {
        let offset = offset(at: time)
        let text = Timestamp.format(seconds: time + offset)
        guard offset != 0 else { return text }
        let minutes = Int(offset < 0 ? -offset : offset) / 60
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(text.dropLast())\(offset < 0 ? "-" : "+")\(two(minutes / 60)):\(two(minutes % 60))"
    }
}
