extension Library {
    /// IP addresses.
    static let ip = Library(
        "kubernetes.net.ip",
        [
            Function(
                "ip",
                .global("string_to_ip", [.string], .ip, cost: .traversing()) { a, _ throws(EvaluationError) in
                    .object(IPValue(try IPAddress(value: a.string(0))))
                }),
            Function(
                "isIP",
                .global("is_ip", [.string], .bool, cost: .traversing()) { a, _ throws(EvaluationError) in
                    let text = try a.string(0)
                    return .bool((try? IPAddress(value: text)) != nil)
                }),
            Function(
                "ip.isCanonical",
                .global("ip_is_canonical", [.string], .bool, cost: .traversing(2)) { a, _ throws(EvaluationError) in
                    let text = try a.string(0)
                    return .bool(try IPAddress(value: text).text == text)
                }),
            Function(
                "family", .method("ip_family", [.ip], .int) { a, _ throws(EvaluationError) in .int(try a.ip(0).isIPv4 ? 4 : 6) }),
            test("isUnspecified", "ip_is_unspecified") { $0.isUnspecified }, test("isLoopback", "ip_is_loopback") { $0.isLoopback },
            test("isLinkLocalMulticast", "ip_is_link_local_multicast") { $0.isLinkLocalMulticast },
            test("isLinkLocalUnicast", "ip_is_link_local_unicast") { $0.isLinkLocalUnicast },
            test("isGlobalUnicast", "ip_is_global_unicast") { $0.isGlobalUnicast },
            Function("string", .global("ip_to_string", [.ip], .string) { a, _ throws(EvaluationError) in .string(try a.ip(0).text) }),
        ],
        types: [.ip])

    private static func test(_ name: String, _ id: String, _ test: @escaping @Sendable (IPAddress) -> Bool) -> Function {
        Function(name, .method(id, [.ip], .bool) { a, _ throws(EvaluationError) in .bool(test(try a.ip(0))) })
    }

    /// Ranges of IP addresses.
    static let cidr = Library(
        "kubernetes.net.cidr",
        [
            Function(
                "cidr",
                .global("string_to_cidr", [.string], .cidr, cost: .traversing()) { a, _ throws(EvaluationError) in
                    .object(CIDRValue(try IPPrefix(value: a.string(0))))
                }),
            Function(
                "isCIDR",
                .global("is_cidr", [.string], .bool, cost: .traversing()) { a, _ throws(EvaluationError) in
                    let text = try a.string(0)
                    return .bool((try? IPPrefix(value: text)) != nil)
                }),
            Function(
                "containsIP",
                .method("cidr_contains_ip_string", [.cidr, .string], .bool, cost: containing(extra: 0, isText: true)) {
                    a, _ throws(EvaluationError) in
                    .bool(try a.cidr(0).contains(IPAddress(value: a.string(1))))
                },
                .method("cidr_contains_ip_ip", [.cidr, .ip], .bool, cost: containing(extra: 0, isText: false)) {
                    a, _ throws(EvaluationError) in
                    .bool(try a.cidr(0).contains(a.ip(1)))
                }),
            Function(
                "containsCIDR",
                .method("cidr_contains_cidr_string", [.cidr, .string], .bool, cost: containing(extra: 1, isText: true)) {
                    a, _ throws(EvaluationError) in
                    .bool(try a.cidr(0).contains(IPPrefix(value: a.string(1))))
                },
                .method("cidr_contains_cidr", [.cidr, .cidr], .bool, cost: containing(extra: 1, isText: false)) {
                    a, _ throws(EvaluationError) in
                    .bool(try a.cidr(0).contains(a.cidr(1)))
                }),
            Function(
                "ip", .method("cidr_ip", [.cidr], .ip) { a, _ throws(EvaluationError) in .object(IPValue(try a.cidr(0).address)) }),
            Function(
                "prefixLength",
                .method("cidr_prefix_length", [.cidr], .int) { a, _ throws(EvaluationError) in .int(Int64(try a.cidr(0).length)) }),
            Function(
                "masked",
                .method("cidr_masked", [.cidr], .cidr) { a, _ throws(EvaluationError) in
                    let prefix = try a.cidr(0)
                    return .object(CIDRValue(IPPrefix(prefix.address.masked(to: prefix.length), length: prefix.length)))
                }),
            Function("string", .global("cidr_to_string", [.cidr], .string) { a, _ throws(EvaluationError) in .string(try a.cidr(0).text) }),
        ],
        types: [.cidr])

    /// Comparing the bytes of two addresses, `extra` for masking one of them, and reading a text.
    private static func containing(extra: UInt64, isText: Bool) -> CallCost {
        CallCost { a in
            let size = Double(a[0].costSize)
            var cost = CallCost.roundedUp((size + size) * CostUnit.traversal)
            if extra > 0 { cost += CallCost.roundedUp(size * CostUnit.traversal) + extra }
            if isText { cost += CallCost.roundedUp(Double(a[1].costSize) * CostUnit.traversal) }
            return cost
        } _: { site in
            let size = Estimate(min: 4, max: 16)
            var cost = (size + size) * CostUnit.traversal
            if extra > 0 { cost += size * CostUnit.traversal + Estimate(extra) }
            if isText { cost += site.size(1) * CostUnit.traversal }
            return CallEstimate(cost)
        }
    }
}

extension Arguments {
    fileprivate func ip(_ index: Int) throws(EvaluationError) -> IPAddress { try object(index, as: IPValue.self).address }
    fileprivate func cidr(_ index: Int) throws(EvaluationError) -> IPPrefix { try object(index, as: CIDRValue.self).prefix }
}

extension IPAddress {
    /// An address that expressions may use: neither one with a zone nor an IPv4 address as an IPv6 one.
    fileprivate init(value text: String) throws(EvaluationError) {
        do throws(ParseError) { try self.init(text) } catch {
            throw EvaluationError("IP Address \(GoQuote.quote(text)) parse error during conversion from string: \(error.message)")
        }
        if !zone.isEmpty { throw EvaluationError("IP address \(GoQuote.quote(text)) with zone value is not allowed") }
        if isMapped { throw EvaluationError("IPv4-mapped IPv6 address \(GoQuote.quote(text)) is not allowed") }
    }
}

extension IPPrefix {
    fileprivate init(value text: String) throws(EvaluationError) {
        let context = "network address parse error during conversion from string: "
        do throws(IPAddress.ParseError) { try self.init(text) } catch { throw EvaluationError(context + context + error.message) }
        if address.isMapped { throw EvaluationError("\(context)IPv4-mapped IPv6 address \(GoQuote.quote(text)) is not allowed") }
    }
}

final class IPValue: ObjectValue {
    let address: IPAddress
    init(_ address: IPAddress) { self.address = address }

    var typeName: String { "net.IP" }
    var description: String { address.text }
    var costSize: Int { address.bytes.count }
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as IPValue) = other else { throw .noSuchOverload }
        return address == other.address
    }
}

final class CIDRValue: ObjectValue {
    let prefix: IPPrefix
    init(_ prefix: IPPrefix) { self.prefix = prefix }

    var typeName: String { "net.CIDR" }
    var description: String { prefix.text }
    var costSize: Int { (prefix.length + 7) / 8 }
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as CIDRValue) = other else { throw .noSuchOverload }
        return prefix == other.prefix
    }
}
