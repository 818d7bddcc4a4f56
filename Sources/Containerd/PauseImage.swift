internal import PauseProgram

/// The image that every pod sandbox runs: one static program of a few hundred bytes.
public enum PauseImage {
    /// Its name; the tag is the content's, so that an image in the store never is another than this build's.
    public static let name: String = repository + ":" + String((try? archive(tag: "1").layerDigest.dropFirst(7).prefix(12)) ?? "1")

    private static let repository = "apus.local/pause"

    static func archive() throws(ContainerdError) -> ImageArchive { try archive(tag: String(name.dropFirst(repository.count + 1))) }

    private static func archive(tag: String) throws(ContainerdError) -> ImageArchive {
        var image = try ImageArchive(name: repository + ":" + tag, process: ImageArchive.Process(entrypoint: ["/pause"], environment: []))
        try image.add(file: "pause", executable(), mode: 0o755)
        return image
    }

    /// A static executable of one segment: the ELF header, its program header, the code.
    static func executable() -> [UInt8] {
        let code = Array(UnsafeBufferPointer(start: apus_pause_code(), count: Int(apus_pause_code_size())))
        let (headers, base): (UInt64, UInt64) = (64 + 56, 0x40_0000)
        let size = headers + UInt64(code.count)
        func little<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number.littleEndian, Array.init) }
        // The code begins behind the headers, at a multiple of 8 as instructions need it.
        var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        bytes += little(UInt16(2)) + little(apus_pause_machine()) + little(UInt32(1))  // ET_EXEC, machine, version
        // entry, program headers, no sections, no flags
        bytes += little(base + headers) + little(UInt64(64)) + little(UInt64(0)) + little(UInt32(0))
        bytes += little(UInt16(64)) + little(UInt16(56)) + little(UInt16(1)) + little(UInt16(64)) + little(UInt16(0)) + little(UInt16(0))
        bytes += little(UInt32(1)) + little(UInt32(5))  // PT_LOAD, readable and executable
        bytes += little(UInt64(0)) + little(base) + little(base) + little(size) + little(size) + little(UInt64(0x1000))
        return bytes + code
    }
}
