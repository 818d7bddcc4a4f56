internal import CNFTables
internal import Glibc

/// Runs nftables commands in this process, through libnftables: no `nft` process for each change.
///
/// Not thread-safe: one caller at a time.
public struct NFTables: ~Copyable {
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    private let context: OpaquePointer
    private let netlink: Netlink
    /// How often anybody had changed a rule when `has` last found all there; `nil` once somebody else did.
    private var known: UInt32?

    public init() throws {
        let netlink = try Netlink(.netfilter)
        guard let context = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw Failure(description: "libnftables could not start: is the kernel's nf_tables there?")
        }
        self.context = context
        self.netlink = netlink
        nft_ctx_buffer_error(context)
        nft_ctx_buffer_output(context)
        // What is asked for is the shape of a table, which does not grow with what its sets hold.
        nft_ctx_output_set_flags(context, UInt32(NFT_CTX_OUTPUT_TERSE))
    }

    /// Runs all commands as one transaction: all of them take effect, or none.
    public mutating func run(_ commands: String) throws {
        let before = generation
        let isKnown = known != nil && known == before
        known = nil
        _ = try answer(commands)
        guard isKnown, let before, let after = generation, after == before &+ 1 else { return }
        known = after
    }

    /// Which of the tables have not what they should, since somebody took a part of them away. Costs one question to the kernel while
    /// nobody else changes any rule of the machine, and a look at the whole tables after that.
    ///
    /// - Parameter shapes: by table, `ip apus-proxy`.
    public mutating func lost(_ shapes: @autoclosure () -> [String: TableShape]) -> Set<String> {
        let now = generation
        if let now, now == known { return [] }
        let lost = shapes().filter { table, shape in
            // There is none: it has nothing.
            !shape.isIn(TableShape(listing: (try? answer("list table \(table)")) ?? ""))
        }
        if lost.isEmpty { known = now }
        return Set(lost.keys)
    }

    /// How often rules were changed in this network, by anybody; `nil` where the kernel does not say. `linux/netfilter/nf_tables.h`.
    private var generation: UInt32? {
        let (get, new, id): (UInt16, UInt16, UInt16) = (0xa10, 0xa0f, 1)
        guard let answer = try? netlink.ask(get, [UInt8(AF_UNSPEC), 0, 0, 0]).first(where: { $0.type == new }) else { return nil }
        return Netlink.attributes(answer.content.dropFirst(4))[id].flatMap { $0.count == 4 ? $0.number(at: 0, bytes: 4) : nil }?.byteSwapped
    }

    /// Runs commands that ask, such as `list table ip x`, and returns what they print; of named sets without their elements.
    private func answer(_ commands: String) throws -> String {
        guard nft_run_cmd_from_buffer(context, commands) != 0 else {
            return nft_ctx_get_output_buffer(context).map { String(cString: $0) } ?? ""
        }
        let message = nft_ctx_get_error_buffer(context).map { String(cString: $0) } ?? "unknown error"
        throw Failure(
            description:
                "nftables refused the rules: \(message.split(separator: "\n").prefix(3).map { $0.prefix(500) }.joined(separator: " "))")
    }

    deinit { nft_ctx_free(context) }
}
