import Testing

@testable import CEL

struct NetworkLibraryTests {
    @Test(arguments: [
        ("url('https://user:pw@example.com:80/p%20q?a=1&b=2&a=3#f').getScheme()", #""https""#),
        ("url('https://example.com:80/').getHost()", #""example.com:80""#),
        ("url('https://example.com:80/').getHostname()", #""example.com""#), ("url('https://[::1]:80/').getHostname()", #""::1""#),
        ("url('https://[::1]:80/').getHost()", #""[::1]:80""#), ("url('https://example.com:80/').getPort()", #""80""#),
        ("url('https://example.com/').getPort()", #""""#), ("url('https://example.com/p%20q').getEscapedPath()", #""/p%20q""#),
        ("url('https://example.com/p q/é').getEscapedPath()", #""/p%20q/%C3%A9""#),
        ("url('https://e.com/?k=a&b=2&k=c&x').getQuery()", #"{"b": ["2"], "k": ["a", "c"], "x": [""]}"#),
        ("url('/absolute/path').getHost()", #""""#),
        ("url('../relative')", #"error: URL parse error during conversion from string: parse "../relative": invalid URI for request"#),
        (
            "url('https://a b/')",
            #"error: URL parse error during conversion from string: parse "https://a b/": invalid character " " in host name"#
        ),
        (
            "url('https://e.com:x/')",
            #"error: URL parse error during conversion from string: parse "https://e.com:x/": invalid port ":x" after host"#
        ),
        ("isURL('https://example.com/')", "true"), ("isURL('nothing')", "false"),
        ("url('https://a.com/') == url('https://a.com/')", "true"),
    ])
    func urls(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("ip('192.168.0.1').family()", "4"), ("ip('::1').family()", "6"), ("ip('127.0.0.1').isLoopback()", "true"),
        ("ip('::1').isLoopback()", "true"), ("ip('0.0.0.0').isUnspecified()", "true"), ("ip('10.0.0.1').isGlobalUnicast()", "true"),
        ("ip('224.0.0.1').isLinkLocalMulticast()", "true"), ("ip('169.254.1.1').isLinkLocalUnicast()", "true"),
        ("ip('2001:db8::abcd') == ip('2001:DB8:0::ABCD')", "true"), ("string(ip('2001:DB8:0:0::1'))", #""2001:db8::1""#),
        ("ip.isCanonical('2001:db8::abcd')", "true"), ("ip.isCanonical('2001:DB8::Abcd')", "false"), ("isIP('1.2.3.4')", "true"),
        ("isIP('1.2.3')", "false"), ("isIP('1.2.3.04')", "false"),
        ("ip('::ffff:1.2.3.4')", #"error: IPv4-mapped IPv6 address "::ffff:1.2.3.4" is not allowed"#),
        ("ip('fe80::1%eth0')", #"error: IP address "fe80::1%eth0" with zone value is not allowed"#),
        (
            "ip('1.2.3')",
            #"error: IP Address "1.2.3" parse error during conversion from string: ParseAddr("1.2.3"): IPv4 address too short"#
        ),
        (
            "ip('1.2.3.4.5')",
            #"error: IP Address "1.2.3.4.5" parse error during conversion from string: ParseAddr("1.2.3.4.5"): IPv4 address too long"#
        ),
        (
            "ip('1.2.3.256')",
            #"error: IP Address "1.2.3.256" parse error during conversion from string: ParseAddr("1.2.3.256"): IPv4 field has value >255"#
        ),
        ("ip('1:2')", #"error: IP Address "1:2" parse error during conversion from string: ParseAddr("1:2"): address string too short"#),
        ("cidr('192.168.0.0/24').containsIP('192.168.0.1')", "true"),
        ("cidr('192.168.0.0/24').containsIP(ip('192.169.0.1'))", "false"),
        ("cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24')", "true"),
        ("cidr('192.168.10.0/24').containsCIDR(cidr('192.168.0.0/16'))", "false"),
        ("cidr('192.168.1.7/24').masked()", "192.168.1.0/24"), ("cidr('192.168.1.7/24').ip()", "192.168.1.7"),
        ("cidr('::/0').prefixLength()", "0"), ("string(cidr('10.0.0.0/8'))", #""10.0.0.0/8""#), ("isCIDR('10.0.0.0/8')", "true"),
        ("isCIDR('10.0.0.0')", "false"),
        (
            "cidr('10.0.0.0/33')",
            #"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/33"): prefix length out of range"#
        ),
        (
            "cidr('10.0.0.0/08')",
            #"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("10.0.0.0/08"): bad bits after slash: "08""#
        ),
        (
            "cidr('1.2.3/8')",
            #"error: network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix("1.2.3/8"): ParseAddr("1.2.3"): IPv4 address too short"#
        ),
        (
            "cidr('::ffff:1.2.3.4/120')",
            #"error: network address parse error during conversion from string: IPv4-mapped IPv6 address "::ffff:1.2.3.4/120" is not allowed"#
        ),
    ])
    func addresses(text: String, expected: String) { #expect(outcome(text) == expected) }
}
