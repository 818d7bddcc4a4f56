/// Writes an answer into memory of the caller's, and never more than `limit` bytes: what does not fit is left out and said to be.
struct ReplyWriter {
    enum Section: Int {
        case answer, authority, additional
    }

    enum Owner {
        /// The name that was asked for.
        case question
        case name(Name)
    }

    private let bytes: UnsafeMutableRawBufferPointer
    private let query: Query
    /// Bytes that records may take: what EDNS needs at the end is kept free.
    private let limit: Int
    private(set) var count: Int
    private var counts: (answer: UInt16, authority: UInt16, additional: UInt16) = (0, 0, 0)
    private(set) var isTruncated = false
    /// Where names begin that were written after the question, for others to refer to.
    private var places: [Int] = []

    /// How many names are remembered: looking for more would cost more than it saves.
    private static let placesLimit = 64

    /// Begins with the question as the client spelled it.
    ///
    /// - Parameters:
    ///   - bytes: at least as many as the question takes and 11 more; they must outlive the writer.
    ///   - message: what the client sent.
    init(_ bytes: UnsafeMutableRawBufferPointer, answering query: Query, in message: UnsafeRawBufferPointer) {
        self.bytes = bytes
        self.query = query
        limit = bytes.count - (query.options == nil ? 0 : Wire.optionSize)
        count = query.questionEnd
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: message[..<query.questionEnd]))
    }

    // MARK: Records

    /// Adds all of a set. What does not fit into the answers cuts the message off; in other sections it is left out.
    ///
    /// - Parameter first: in which place to begin, so that not all clients take the same.
    mutating func add(_ set: RecordSet, of owner: Owner, to section: Section, from first: Int = 0) {
        var fits = true
        set.forEach(from: first) { data in
            fits = add(owner, set.type, Wire.internet, set.timeToLive, data, to: section)
            return fits
        }
    }

    /// - Parameter timeToLive: in place of the record's own.
    mutating func add(_ record: Record, timeToLive: UInt32, to section: Section) {
        let owner = record.name == query.question.name ? Owner.question : .name(record.name)
        record.data.withUnsafeBytes { _ = add(owner, record.type, record.recordClass, timeToLive, $0, to: section) }
    }

    /// Ends the message and returns how long it is.
    mutating func finish(_ code: ResponseCode, isAuthoritative: Bool, isAuthenticated: Bool = false) -> Int {
        if query.options != nil {
            // The root, the type, the size that this server takes, the upper bits of the code, the version, the flags, no options.
            store(UInt8(0))
            store(RecordType.opt.rawValue)
            store(UInt16(Query.largestSize))
            store(UInt8(truncatingIfNeeded: code.rawValue >> 4))
            store(UInt8(0))
            store(query.options?.wantsDNSSEC == true ? UInt16(Wire.wantsDNSSEC) : 0)
            store(UInt16(0))
            counts.additional += 1
        }
        var flags = query.flags & (Wire.operation | Wire.recursionDesired | Wire.checkingDisabled)
        flags |= Wire.isResponse | Wire.recursionAvailable | code.rawValue & Wire.code
        if isAuthoritative { flags |= Wire.isAuthoritative }
        if isAuthenticated { flags |= Wire.isAuthenticated }
        if isTruncated { flags |= Wire.isTruncated }
        for (index, word) in [query.id, flags, 1, counts.answer, counts.authority, counts.additional].enumerated() {
            put(word, at: index * 2)
        }
        return count
    }

    /// The refusal of a message whose question could not be read.
    static func refuse(_ bytes: UnsafeMutableRawBufferPointer, id: UInt16, flags: UInt16, _ code: ResponseCode) -> Int {
        let kept = flags & (Wire.operation | Wire.recursionDesired | Wire.checkingDisabled)
        for (index, word) in [id, kept | Wire.isResponse | Wire.recursionAvailable | code.rawValue, 0, 0, 0, 0].enumerated() {
            bytes[index * 2] = UInt8(truncatingIfNeeded: word >> 8)
            bytes[index * 2 + 1] = UInt8(truncatingIfNeeded: word)
        }
        return Wire.headerSize
    }

    // MARK: One record

    /// Returns whether it fitted; where it did not, nothing is written.
    private mutating func add(
        _ owner: Owner, _ type: RecordType, _ recordClass: UInt16, _ timeToLive: UInt32, _ data: UnsafeRawBufferPointer, to section: Section
    ) -> Bool {
        // No record after one that was left out, or the client could take the answer for a whole.
        if isTruncated { return false }
        let (before, known) = (count, places.count)
        guard write(owner, type, recordClass, timeToLive, data) else {
            count = before
            places.removeSubrange(known...)
            if section == .answer { isTruncated = true }
            return false
        }
        switch section {
        case .answer: counts.answer += 1
        case .authority: counts.authority += 1
        case .additional: counts.additional += 1
        }
        return true
    }

    private mutating func write(
        _ owner: Owner, _ type: RecordType, _ recordClass: UInt16, _ timeToLive: UInt32, _ data: UnsafeRawBufferPointer
    ) -> Bool {
        switch owner {
        case .question:
            guard has(2) else { return false }
            store(0xc000 | UInt16(Wire.headerSize))
        case .name(let name): guard write(name.bytes[...], isCompressible: true) else { return false }
        }
        guard has(10) else { return false }
        store(type.rawValue)
        store(recordClass)
        store(UInt16(truncatingIfNeeded: timeToLive >> 16))
        store(UInt16(truncatingIfNeeded: timeToLive))
        let sizePlace = count
        count += 2
        guard write(data, of: type) else { return false }
        put(UInt16(truncatingIfNeeded: count - sizePlace - 2), at: sizePlace)
        return true
    }

    private mutating func write(_ data: UnsafeRawBufferPointer, of type: RecordType) -> Bool {
        guard type != .a, type != .aaaa, let layout = RDataLayout.table[type] else { return copy(data) }
        var reader = Reader(data)
        for part in layout.parts {
            switch part {
            case .bytes(let count): guard let bytes = try? reader.take(count), copy(bytes) else { return false }
            case .string:
                guard let size = try? reader.uint8(), let string = try? reader.take(Int(size)), has(1) else { return false }
                store(size)
                guard copy(string) else { return false }
            case .name:
                guard let name = try? reader.name(), write(name.bytes[...], isCompressible: layout.isCompressible) else { return false }
            }
        }
        return true
    }

    // MARK: Names

    private mutating func write(_ name: ArraySlice<UInt8>, isCompressible: Bool) -> Bool {
        var name = name
        while let length = name.first, length != 0 {
            if isCompressible, let place = place(of: name) {
                guard has(2) else { return false }
                store(0xc000 | UInt16(place))
                return true
            }
            guard has(Int(length) + 1) else { return false }
            if count < 0x4000, places.count < Self.placesLimit { places.append(count) }
            for byte in name.prefix(Int(length) + 1) { store(byte) }
            name = name.dropFirst(Int(length) + 1)
        }
        guard has(1) else { return false }
        store(UInt8(0))
        return true
    }

    /// Where the message has this name already.
    private func place(of name: ArraySlice<UInt8>) -> Int? {
        var label = Wire.headerSize
        while label < query.questionEnd, bytes[label] != 0 {
            if has(name, at: label) { return label }
            label += Int(bytes[label]) + 1
        }
        return places.first { has(name, at: $0) }
    }

    private func has(_ name: ArraySlice<UInt8>, at place: Int) -> Bool {
        var place = place
        var name = name
        while let length = name.first {
            // Only this writer refers to other places, and only backwards.
            while place + 1 < count, bytes[place] >= 0xc0 { place = Int(bytes[place] & 0x3f) << 8 | Int(bytes[place + 1]) }
            guard place + Int(length) < count, bytes[place] == length else { return false }
            if length == 0 { return true }
            for index in 1...Int(length) where Name.lowercase(bytes[place + index]) != name[name.startIndex + index] { return false }
            place += Int(length) + 1
            name = name.dropFirst(Int(length) + 1)
        }
        return false
    }

    // MARK: Bytes

    private func has(_ free: Int) -> Bool { limit - count >= free }

    private mutating func copy(_ data: UnsafeRawBufferPointer) -> Bool {
        guard has(data.count) else { return false }
        UnsafeMutableRawBufferPointer(rebasing: bytes[count..<(count + data.count)]).copyMemory(from: data)
        count += data.count
        return true
    }

    private mutating func store(_ byte: UInt8) {
        bytes[count] = byte
        count += 1
    }

    private mutating func store(_ word: UInt16) {
        put(word, at: count)
        count += 2
    }

    private func put(_ word: UInt16, at place: Int) {
        bytes[place] = UInt8(truncatingIfNeeded: word >> 8)
        bytes[place + 1] = UInt8(truncatingIfNeeded: word)
    }
}
