import APIModel
import Testing

@testable import ControllerServiceCIDR

@Suite struct ServiceRangesTests {
    private static func range(_ name: String, _ prefixes: String...) -> Value {
        ["metadata": ["name": .string(name)], "spec": ["cidrs": Value(prefixes)]]
    }

    @Test(
        arguments: [
            ("10.0.0.1", ["a", "same", "wide"]), ("10.0.0.0", []), ("10.0.0.255", ["wide"]), ("10.0.1.255", ["wide"]),
            ("10.0.3.255", []), ("11.0.0.1", []), ("fd00::1", ["six"]), ("fd00::", []), ("fd00::ffff", ["six"]), ("x", []),
        ] as [(String, [String])])
    func offering(address: String, names: [String]) {
        let ranges = Ranges([
            Self.range("a", "10.0.0.0/24"), Self.range("same", "10.0.0.0/24"), Self.range("wide", "9.255.255.0/22", "10.0.0.0/22"),
            Self.range("six", "fd00::/112"),
        ])
        #expect(ranges.offering(address).sorted() == names)
    }

    @Test(
        arguments: [
            ([range("a", "10.0.0.0/24")], [], false),
            ([range("a", "10.0.0.0/24")], ["10.0.0.1"], true),
            // The first and the last are nobody's.
            ([range("a", "10.0.0.0/24")], ["10.0.0.0", "10.0.0.255", "10.0.1.1"], false),
            ([range("a", "fd00::/112")], ["fd00::ffff"], true),
            ([range("a", "10.0.0.0/24"), range("b", "10.0.0.0/24")], ["10.0.0.1"], false),
            ([range("a", "10.0.0.0/24"), range("b", "10.0.0.0/23")], ["10.0.0.1"], false),
            // One that is smaller covers some of them.
            ([range("a", "10.0.0.0/24"), range("b", "10.0.0.0/25")], ["10.0.0.1"], false),
            ([range("a", "10.0.0.0/24"), range("b", "10.0.0.0/25")], ["10.0.0.1", "10.0.0.200"], true),
            // Each family by itself.
            ([range("a", "10.0.0.0/24", "fd00::/112"), range("b", "10.0.0.0/24")], ["10.0.0.1"], false),
            ([range("a", "10.0.0.0/24", "fd00::/112"), range("b", "10.0.0.0/24")], ["fd00::1"], true),
        ] as [([Value], [String], Bool)])
    func staysWhileAnAddressHangsOnItAlone(ranges: [Value], addresses: [String], isNeeded: Bool) {
        #expect(Ranges(ranges).needs(ranges[0]) { addresses } == isNeeded)
    }

    @Test func overlapping() {
        let ranges = [Self.range("a", "10.0.0.0/24"), Self.range("b", "10.0.0.0/8", "fd00::/64"), Self.range("c", "192.168.0.0/16")]
        #expect(Ranges(ranges).overlapping(ranges[0]) == ["a", "b"])
        #expect(Ranges(ranges).overlapping(Self.range("d", "fd00::/112", "192.168.7.0/24")) == ["b", "c"])
        #expect(Ranges([]).overlapping(ranges[0]).isEmpty)
    }
}
