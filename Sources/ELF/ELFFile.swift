/// What the dynamic linker would do with a library or an executable: which symbols it offers, which it wants, and from where.
///
/// Reads 64-bit little-endian ELF files by their section table, which `strip` keeps. Every number in the file is checked before it is used,
/// so that any bytes at all give either an answer or an error.
public struct ELFFile: Sendable {
    public struct Symbol: Sendable, Hashable {
        public var name: String
        /// Whether the file has it, or wants it from somebody else.
        public var isDefined: Bool
        /// A wanted symbol that may be absent; a defined one that gives way to others.
        public var isWeak: Bool
    }

    /// What the file may be.
    public enum Kind: UInt16, Sendable {
        case object = 1
        case executable
        case library
        case core
    }

    public let kind: Kind
    /// The processor, by ELF's number.
    public let machine: UInt16
    /// The names of the libraries it wants.
    public private(set) var needed: [String] = []
    /// Where it wants them looked for first, as written: `$ORIGIN` stands for the file's own directory.
    public private(set) var searchPath: [String] = []
    /// Symbols that others can see, and those it wants of others; not those that are its own affair.
    public private(set) var symbols: [Symbol] = []

    /// How much of a file is wanted.
    public enum Part: Sendable {
        case all
        /// Everything but the symbols, of which there may be very many.
        case dependencies
    }

    public init(path: String, reading part: Part = .all) throws(ELFError) { try self.init(FileBytes(path: path), part) }
    public init(_ bytes: [UInt8]) throws(ELFError) { try self.init(FileBytes(bytes), .all) }

    private init(_ file: consuming FileBytes, _ part: Part) throws(ELFError) {
        guard file.count >= 64 else { throw ELFError("is not an ELF file") }
        let header = try file.read(0, 64, "header")
        guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { throw ELFError("is not an ELF file") }
        guard header[4] == 2, header[5] == 1 else { throw ELFError("is not a 64-bit little-endian ELF file") }
        guard let kind = Kind(rawValue: try header.number(16)) else { throw ELFError("is an ELF file of an unknown type") }
        self.kind = kind
        machine = try header.number(18)

        let sections = try Section.all(file, header: header)
        if let dynamic = sections.first(where: { $0.type == Section.dynamic }) {
            try readDynamic(dynamic.read(file), strings: dynamic.strings(file, sections))
        }
        if part == .all, let table = sections.first(where: { $0.type == Section.dynamicSymbols }) {
            try readSymbols(table.read(file), strings: table.strings(file, sections))
        }
    }

    private mutating func readDynamic(_ entries: [UInt8], strings: [UInt8]) throws(ELFError) {
        var offset = 0
        while offset + 16 <= entries.count {
            let tag: UInt64 = try entries.number(offset)
            let value: UInt64 = try entries.number(offset + 8)
            switch tag {
            case 0: return
            case 1: needed.append(try strings.text(value))
            // RPATH and RUNPATH.
            case 15, 29: searchPath += try strings.text(value).split(separator: ":").map(String.init)
            default: break
            }
            offset += 16
        }
    }

    private mutating func readSymbols(_ entries: [UInt8], strings: [UInt8]) throws(ELFError) {
        var offset = 0
        while offset + 24 <= entries.count {
            let name: UInt32 = try entries.number(offset)
            let binding = entries[offset + 4] >> 4
            let visibility = entries[offset + 5] & 3
            let section: UInt16 = try entries.number(offset + 6)
            offset += 24
            // Local ones, and hidden or internal ones, are the file's own affair.
            guard binding != 0, visibility == 0 || visibility == 3, name != 0 else { continue }
            symbols.append(Symbol(name: try strings.text(UInt64(name)), isDefined: section != 0, isWeak: binding == 2))
        }
    }
}

/// One row of the section table.
private struct Section {
    static let dynamic: UInt32 = 6
    static let dynamicSymbols: UInt32 = 11

    var type: UInt32
    var offset: UInt64
    var size: UInt64
    /// The section with the names that this one uses.
    var link: UInt32

    static func all(_ file: borrowing FileBytes, header: [UInt8]) throws(ELFError) -> [Section] {
        let start: UInt64 = try header.number(40)
        let width: UInt16 = try header.number(58)
        let count: UInt16 = try header.number(60)
        guard start != 0, count != 0 else { throw ELFError("has no section table") }
        guard width == 64 else { throw ELFError("is damaged: its section table has rows of \(width) bytes") }
        let rows = try file.read(start, UInt64(count) * 64, "section table")
        var sections: [Section] = []
        for index in 0..<Int(count) {
            let row = index * 64
            sections.append(
                Section(
                    type: try rows.number(row + 4), offset: try rows.number(row + 24), size: try rows.number(row + 32),
                    link: try rows.number(row + 40)))
        }
        return sections
    }

    func read(_ file: borrowing FileBytes) throws(ELFError) -> [UInt8] {
        try file.read(offset, size, type == Self.dynamic ? "dynamic section" : "symbol table")
    }

    func strings(_ file: borrowing FileBytes, _ sections: [Section]) throws(ELFError) -> [UInt8] {
        guard link < sections.count else { throw ELFError("is damaged: a table names a section that is not there") }
        return try file.read(sections[Int(link)].offset, sections[Int(link)].size, "string table")
    }
}
