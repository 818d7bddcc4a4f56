internal import CNFTables

/// Runs nftables commands in this process, through libnftables: no `nft` process for each change.
///
/// Not thread-safe: one caller at a time.
public struct NFTables: ~Copyable {
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    private let context: OpaquePointer

    public init() throws {
        guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw Failure(description: "libnftables could not start: is the kernel's nf_tables there?")
        }
        self.context = context
        nft_ctx_buffer_error(context)
        nft_ctx_buffer_output(context)
        // What is asked for is the shape of a table, which does not grow with what its sets hold.
        nft_ctx_output_set_flags(context, UInt32(NFT_CTX_OUTPUT_TERSE))
    }

    /// Runs all commands as one transaction: all of them take effect, or none.
    public func run(_ commands: String) throws { _ = try answer(commands) }

    /// Runs commands that ask, such as `list table ip x`, and returns what they print; of named sets without their elements.
    public func answer(_ commands: String) throws -> String {
        guard nft_run_cmd_from_buffer(context, commands) != 0 else {
            return nft_ctx_get_output_buffer(context).map { String(cString: $0) } ?? ""
        }
        let message = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? "unknown error"
        throw Failure(description: "nftables refused the rules: \(message.split(separator: "\n").prefix(3).joined(separator: " "))")
    }

    deinit { nft_ctx_free(context) }
}
