internal import CNFTables

/// Runs nftables commands in this process, through libnftables: no `nft` process for each change.
///
/// Not thread-safe: one caller at a time, as the proxy ABI promises.
struct NFTables: ~Copyable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let context: OpaquePointer

    init() throws {
        guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw Failure(description: "libnftables could not start: is the kernel's nf_tables there?")
        }
        self.context = context
        nft_ctx_buffer_error(context)
        nft_ctx_buffer_output(context)
    }

    /// Runs all commands as one transaction: all of them take effect, or none.
    func run(_ commands: String) throws {
        guard nft_run_cmd_from_buffer(context, commands) != 0 else { return }
        let message = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? "unknown error"
        throw Failure(description: "nftables refused the rules: \(message.split(separator: "\n").prefix(3).joined(separator: " "))")
    }

    deinit { nft_ctx_free(context) }
}
