/// Where names stand in the data of a record: what must be known to take a message apart, since names refer to other places in it.
struct RDataLayout {
    enum Part {
        case bytes(Int)
        /// A length and as many bytes.
        case string
        case name
    }

    let parts: [Part]
    /// Whether names in it may be written as references: those of RFC 1035 only.
    var isCompressible = false

    /// The layout of types whose data is not just bytes, or must have one size.
    static let table: [RecordType: RDataLayout] = {
        var table: [RecordType: RDataLayout] = [
            .a: RDataLayout(parts: [.bytes(4)]),
            .aaaa: RDataLayout(parts: [.bytes(16)]),
            .soa: RDataLayout(parts: [.name, .name, .bytes(20)], isCompressible: true),
            .mx: RDataLayout(parts: [.bytes(2), .name], isCompressible: true),
            .srv: RDataLayout(parts: [.bytes(6), .name]),
        ]
        func add(_ numbers: [UInt16], _ parts: [Part], isCompressible: Bool = false) {
            for number in numbers {
                table[RecordType(rawValue: number)] = RDataLayout(parts: parts, isCompressible: isCompressible)
            }
        }
        add([2, 3, 4, 5, 7, 8, 9, 12], [.name], isCompressible: true)  // NS, MD, MF, CNAME, MB, MG, MR, PTR
        add([14], [.name, .name], isCompressible: true)  // MINFO
        add([17], [.name, .name])  // RP
        add([18, 21, 36], [.bytes(2), .name])  // AFSDB, RT, KX
        add([26], [.bytes(2), .name, .name])  // PX
        add([35], [.bytes(4), .string, .string, .string, .name])  // NAPTR
        add([39], [.name])  // DNAME
        return table
    }()
}

extension Reader {
    /// The data of a record, `count` bytes here, with its names written out.
    mutating func data(of type: RecordType, _ count: Int) throws(Malformed) -> [UInt8] {
        guard let layout = RDataLayout.table[type] else { return Array(try take(count)) }
        let end = position + count
        guard end <= bytes.count else { throw Malformed() }
        var data: [UInt8] = []
        for part in layout.parts {
            switch part {
            case .bytes(let count): data += try take(count)
            case .string:
                let count = try uint8()
                data.append(count)
                data += try take(Int(count))
            case .name: data += try name().bytes
            }
        }
        guard position == end else { throw Malformed() }
        return data
    }
}
