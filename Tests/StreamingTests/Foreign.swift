/// Bytes made by another implementation.
enum Foreign {
    /// Two SYN_STREAM frames with one compression context: an error and a data stream for port 8080, request 0.
    static let synStreams: [UInt8] = bytes(
        "800300010000003d0000000100000000000078f9e3c6a7c202253a48f95b044eea16061606409ab308125f99a074cc68004e892545a989b9d0c28635"
            + "15141500000000ffff800300010000001600000003000000000000225333a8a44a04000000ffff")

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
