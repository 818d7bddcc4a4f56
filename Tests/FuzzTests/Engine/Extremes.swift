import APIModel

/// What programs trip over.
enum Extremes {
    static let integers: [Int64] = [
        .min, .min + 1, -4_294_967_297, -2_147_483_649, -2_147_483_648, -1, 0, 1, 2, 99, 100, 101, 65_535, 65_536, 2_147_483_647,
        2_147_483_648, 4_294_967_295, 4_294_967_296, 9_007_199_254_740_993, 9_223_372_036, 9_223_372_037, 253_402_300_800, .max - 1, .max,
    ]

    /// Numbers in text that no integer holds.
    static let numberTexts: [String] = [
        "18446744073709551615", "18446744073709551616", "99999999999999999999", "-99999999999999999999", "1e999", "-1e999", "1e-999",
        "0.1e1", "-0", "00",
    ]

    static let doubles: [Double] = [0, -0.0, 0.5, -1.5, 2.3e-308, 1e15, 1e18, 9.3e18, -9.3e18, 1e21, 1.7976931348623157e308]

    static let texts: [String] = [
        "", " ", "-", ".", "..", "../..", "/", "//",
        "a/b", "\u{0}", "\u{FEFF}", "\u{202E}", "é", "e\u{301}", "👩‍👩‍👧‍👦", "ﬃ", "İ", "ß",
        "a\r\nb: c",
        "%s%n%00", "%", "{{.}}", "$(A)", "$(A)$(A)$(A)$(A)", "$$", "\"", "\\", "'", "null", "true", "0x7fffffff", "-1", "+1", "007",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "99999999999999999999", "1e999", "NaN", "Infinity", "1.5",
        "9223372036854775807%", "99999999999999999999%", "100%", "0%", "-1%", "%%", "256.0.0.1", "::", "::ffff:1.2.3.4", "fe80::1%eth0",
        "10.0.0.0/33", "0.0.0.0/0", "a=b,c in (d,", "!a,b notin ()", "metadata.name=", "* * * * *", "*/0 0 31 2 8",
        "@every 9223372036854775807h",
        "0-4294967295 * * * *", "2262-04-11T23:47:17Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9223372036854775807h",
        "-9223372036854775808ns",
        String(repeating: "a", count: 63), String(repeating: "a", count: 64), String(repeating: "a.", count: 127),
        String(repeating: "x", count: 5_000),
        String(repeating: "é", count: 300), String(repeating: "[", count: 300), String(repeating: "$(A)", count: 100),
    ]

    static let quantities: [String] = [
        "0", "1", "-1", "100m", "1.5Gi", "8Ei", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
        "9223372036854775807m",
        "99999999999999999999E", "1e59", "-1e59", "1e-59", "1e60", "0.000000001n", "1n", "1Ki", "100000000000000000000000000", "e", "1.",
        ".5", "1e",
        "1.2.3", "5 Gi", "+1", "1Xi",
    ]

    static let times: [String] = [
        "2026-01-02T03:04:05Z", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2262-04-11T23:47:17Z",
        "1677-09-21T00:12:43Z",
        "2016-12-31T23:59:60Z", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59.999999999-23:59", "0001-01-01T00:00:00+23:59", "", "now",
    ]

    /// Annotations that some loop reads.
    static let annotations: [String] = [
        "deployment.kubernetes.io/revision", "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas",
        "deployment.kubernetes.io/revision-history", "controller.kubernetes.io/pod-deletion-cost", "fake.apus.dev/exit-after",
        "fake.apus.dev/exit-code", "kubernetes.io/config.mirror", "endpoints.kubernetes.io/over-capacity",
        "endpoints.kubernetes.io/last-change-trigger-time",
        "service.kubernetes.io/topology-mode", "autoscaling.alpha.kubernetes.io/metrics", "autoscaling.alpha.kubernetes.io/behavior",
        "autoscaling.alpha.kubernetes.io/conditions", "kubectl.kubernetes.io/last-applied-configuration",
        "kubernetes.io/service-account.name",
        "pv.kubernetes.io/bind-completed", "volume.kubernetes.io/selected-node", "container.apparmor.security.beta.kubernetes.io/c",
    ]
}
