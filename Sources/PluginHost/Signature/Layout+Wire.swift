internal import PluginAPI

extension Layout {
    /// Writes one structure and all that it points to.
    func write(_ structure: UnsafeRawPointer, to writer: inout MessageWriter) throws(WireError) {
        try writer.block(structure, size)
        try writeTargets(structure, to: &writer)
    }

    private func writeTargets(_ structure: UnsafeRawPointer, to writer: inout MessageWriter) throws(WireError) {
        for field in fields {
            switch field.target {
            case .bytes:
                let borrowed = structure.load(fromByteOffset: field.offset, as: apus_borrowed.self)
                if borrowed.lentCount > 0 { try writer.block(borrowed.bytes, borrowed.lentCount) }
            case .values(let size, let count):
                _ = try writeArray(structure, field.offset, count, size, to: &writer)
            case .structures(let layout, let count):
                guard let (start, elements) = try writeArray(structure, field.offset, count, layout.size, to: &writer),
                    !layout.fields.isEmpty
                else { continue }
                for index in 0..<elements { try layout.writeTargets(start + index * layout.size, to: &writer) }
            }
        }
    }

    private func writeArray(_ structure: UnsafeRawPointer, _ offset: Int, _ count: Int, _ size: Int, to writer: inout MessageWriter)
        throws(WireError)
        -> (UnsafeRawPointer, Int)?
    {
        let elements = Int(structure.load(fromByteOffset: count, as: UInt32.self))
        guard elements > 0 else { return nil }
        guard let start = structure.load(fromByteOffset: offset, as: UnsafeRawPointer?.self) else {
            throw .refused("\(name) has a null array of \(elements) elements")
        }
        try writer.block(start, elements * size)
        return (start, elements)
    }

    /// Reads one structure. Its pointers lead into the message.
    func read(_ reader: inout MessageReader) throws(WireError) -> UnsafeMutableRawPointer {
        let structure = try reader.block(size)
        try readTargets(structure, &reader)
        return structure
    }

    private func readTargets(_ structure: UnsafeMutableRawPointer, _ reader: inout MessageReader) throws(WireError) {
        for field in fields {
            switch field.target {
            case .bytes:
                let count = structure.load(fromByteOffset: field.offset, as: apus_borrowed.self).lentCount
                let bytes = UnsafeMutableRawBufferPointer(start: try reader.block(count), count: count)
                structure.storeBytes(of: apus_borrowed(bytes), toByteOffset: field.offset, as: apus_borrowed.self)
            case .values(let size, let count):
                _ = try readArray(structure, field.offset, count, size, &reader)
            case .structures(let layout, let count):
                guard let (start, elements) = try readArray(structure, field.offset, count, layout.size, &reader), !layout.fields.isEmpty
                else { continue }
                for index in 0..<elements { try layout.readTargets(start + index * layout.size, &reader) }
            }
        }
    }

    private func readArray(_ structure: UnsafeMutableRawPointer, _ offset: Int, _ count: Int, _ size: Int, _ reader: inout MessageReader)
        throws(WireError)
        -> (UnsafeMutableRawPointer, Int)?
    {
        let elements = Int(structure.load(fromByteOffset: count, as: UInt32.self))
        let isNull = structure.load(fromByteOffset: offset, as: UInt.self) == 0
        guard !isNull || elements == 0 else { throw .malformed("\(name) with a null array of \(elements) elements") }
        let array = try reader.block(elements * size)
        structure.storeBytes(of: isNull ? nil : array, toByteOffset: offset, as: UnsafeMutableRawPointer?.self)
        return elements > 0 ? (array, elements) : nil
    }
}

extension apus_borrowed {
    init(_ buffer: UnsafeMutableRawBufferPointer) {
        self.init(bytes: UnsafePointer(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)), count: UInt64(buffer.count))
    }

    /// The count, which a faulty caller may have set to anything: what is no length of memory becomes one that no message takes.
    var byteCount: Int { Int(clamping: count) }

    /// How many bytes there are to read: none without a pointer, whatever the count says.
    var lentCount: Int { bytes == nil ? 0 : byteCount }
}
