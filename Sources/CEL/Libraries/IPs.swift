internal import APIModel

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
                    return .bool(try IPAddress(value: text).description == text)
                }),
            Function(
                "family", .method("ip_family", [.ip], .int) { a, _ throws(EvaluationError) in .int(try a.ip(0).family == .ipv4 ? 4 : 6) }),
            test("isUnspecified", "ip_is_unspecified", .unspecified), test("isLoopback", "ip_is_loopback", .loopback),
            test("isLinkLocalMulticast", "ip_is_link_local_multicast", .linkLocalMulticast),
            test("isLinkLocalUnicast", "ip_is_link_local_unicast", .linkLocal),
            test("isGlobalUnicast", "ip_is_global_unicast", .globalUnicast),
            Function(
                "string", .global("ip_to_string", [.ip], .string) { a, _ throws(EvaluationError) in .string(try a.ip(0).description) }),
        ],
        types: [.ip])

    private static func test(_ name: String, _ id: String, _ scope: IPScope) -> Function {
        Function(name, .method(id, [.ip], .bool) { a, _ throws(EvaluationError) in .bool(IPScope(try a.ip(0).description) == scope) })
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
                    .bool(try a.cidr(0).network.contains(IPAddress(value: a.string(1))))
                },
                .method("cidr_contains_ip_ip", [.cidr, .ip], .bool, cost: containing(extra: 0, isText: false)) {
                    a, _ throws(EvaluationError) in
                    .bool(try a.cidr(0).network.contains(a.ip(1)))
                }),
            Function(
                "containsCIDR",
                .method("cidr_contains_cidr_string", [.cidr, .string], .bool, cost: containing(extra: 1, isText: true)) {
                    a, _ throws(EvaluationError) in
                    .bool(try a.cidr(0).network.contains(IPPrefix(value: a.string(1)).network))
                },
                .method("cidr_contains_cidr", [.cidr, .cidr], .bool, cost: containing(extra: 1, isText: false)) {
                    a, _ throws(EvaluationError) in
                    .bool(try a.cidr(0).network.contains(a.cidr(1).network))
                }),
            Function(
                "ip", .method("cidr_ip", [.cidr], .ip) { a, _ throws(EvaluationError) in .object(IPValue(try a.cidr(0).address)) }),
            Function(
                "prefixLength",
                .method("cidr_prefix_length", [.cidr], .int) { a, _ throws(EvaluationError) in .int(Int64(try a.cidr(0).network.bits)) }),
            Function(
                "masked",
                .method("cidr_masked", [.cidr], .cidr) { a, _ throws(EvaluationError) in
                    .object(CIDRValue(IPPrefix(try a.cidr(0).network)))
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
        let zone: String
        do throws(IPReader.Failure) { (self, zone) = try IPReader.read(text) } catch {
            throw EvaluationError("IP Address \(GoQuote.quote(text)) parse error during conversion from string: \(error.message)")
        }
        if !zone.isEmpty { throw EvaluationError("IP address \(GoQuote.quote(text)) with zone value is not allowed") }
        if isMapped { throw EvaluationError("IPv4-mapped IPv6 address \(GoQuote.quote(text)) is not allowed") }
    }

    /// Whether it is an IPv4 address written as an IPv6 one.
    fileprivate var isMapped: Bool { family == .ipv6 && number >> 32 == 0xffff }
}

extension IPPrefix {
    fileprivate init(value text: String) throws(EvaluationError) {
        let context = "network address parse error during conversion from string: "
        do throws(IPReader.Failure) { try self.init(text) } catch { throw EvaluationError(context + context + error.message) }
        if address.isMapped { throw EvaluationError("\(context)IPv4-mapped IPv6 address \(GoQuote.quote(text)) is not allowed") }
    }
}

final class IPValue: ObjectValue {
    let address: IPAddress
    init(_ address: IPAddress) { self.address = address }

    var typeName: String { "net.IP" }
    var description: String { "\(address)" }
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
    var costSize: Int { (prefix.network.bits + 7) / 8 }
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as CIDRValue) = other else { throw .noSuchOverload }
        return prefix == other.prefix
    }
}
