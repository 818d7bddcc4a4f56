import Testing

@testable import CEL

struct KubernetesLibraryTests {
    @Test(arguments: [
        ("quantity('1.5Gi').asApproximateFloat()", "1610612736.0"), ("quantity('100k').asInteger()", "100000"),
        ("quantity('1.5').asInteger()", "error: cannot convert value to integer"), ("quantity('1.5').isInteger()", "false"),
        ("quantity('50k').sign()", "refused: 1:21: found no matching overload for 'sign' applied to 'kubernetes.Quantity.()'"),
        ("quantity('-1').sign()", "refused: 1:20: found no matching overload for 'sign' applied to 'kubernetes.Quantity.()'"),
        ("quantity('1k') == quantity('1000')", "true"), ("quantity('1k').isGreaterThan(quantity('999'))", "true"),
        ("quantity('1Ki').isLessThan(quantity('1k'))", "false"), ("quantity('1').compareTo(quantity('2'))", "-1"),
        ("quantity('1k').add(quantity('1'))", "1001"), ("quantity('1k').add(1)", "1001"), ("quantity('1k').sub(quantity('1'))", "999"),
        ("quantity('1k').sub(5)", "995"), ("isQuantity('1.3Gi')", "true"), ("isQuantity('10 Mi')", "false"),
        ("quantity('1xyz')", "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("quantity('1KM')", "error: unable to parse quantity's suffix"), ("type(quantity('1'))", "kubernetes.Quantity"),
    ])
    func quantities(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("semver('1.2.3').major()", "1"), ("semver('1.2.3').minor()", "2"), ("semver('1.2.3').patch()", "3"),
        ("semver('1.2.3-alpha.1+b').isLessThan(semver('1.2.3'))", "true"), ("semver('1.2.3').compareTo(semver('1.2.3-rc.1'))", "1"),
        ("semver('1.10.0').isGreaterThan(semver('1.9.0'))", "true"),
        ("semver('1.0.0-alpha.2').isLessThan(semver('1.0.0-alpha.10'))", "true"), ("semver('1.0.0+a') == semver('1.0.0+b')", "true"),
        ("isSemver('1.2.3')", "true"), ("isSemver('v1.2')", "false"), ("isSemver('v1.2', true)", "true"),
        ("isSemver('01.2.3')", "false"), ("semver('v1.2', true) == semver('1.2.0')", "true"),
        ("semver('1.2')", "error: No Major.Minor.Patch elements found"),
        ("semver('01.2.3')", #"error: Major number must not contain leading zeroes "01""#),
        ("semver('1.2.3-01')", #"error: Numeric PreRelease version must not contain leading zeroes "01""#),
        ("semver('200K')", "error: No Major.Minor.Patch elements found"),
    ])
    func versions(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("format.dns1123Label().validate('my-label')", "optional.none()"),
        (
            "format.dns1123Label().validate('My_Label')",
            #"optional.of(["a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"])"#
        ),
        ("format.dns1123LabelPrefix().validate('my-')", "optional.none()"),
        ("format.dns1123Subdomain().validate('a.b-c')", "optional.none()"),
        (
            "format.dns1035Label().validate('1a')",
            #"optional.of(["a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"])"#
        ),
        ("format.qualifiedName().validate('example.com/Name')", "optional.none()"),
        (
            "format.qualifiedName().validate('a/b/c')",
            #"optional.of(["a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"])"#
        ),
        (
            "format.labelValue().validate('a b')",
            #"optional.of(["a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"])"#
        ),
        ("format.uri().validate('https://a')", "optional.none()"),
        ("format.uuid().validate('123e4567-e89b-12d3-a456-426614174000')", "optional.none()"),
        ("format.uuid().validate('x')", #"optional.of(["does not match the UUID format"])"#),
        ("format.byte().validate('aGVsbG8=')", "optional.none()"),
        ("format.byte().validate('a')", #"optional.of(["invalid base64"])"#),
        ("format.date().validate('2024-02-29')", "optional.none()"),
        ("format.date().validate('2024-02-30')", #"optional.of(["invalid date"])"#),
        ("format.datetime().validate('2024-02-29T00:00:00Z')", "optional.none()"),
        ("format.datetime().validate('2024-02-29')", #"optional.of(["invalid datetime"])"#),
        ("format.named('dns1123Label').value().validate('a')", "optional.none()"), ("format.named('other').hasValue()", "false"),
        ("type(format.date())", "kubernetes.NamedFormat"),
    ])
    func namedFormats(text: String, expected: String) { #expect(outcome(text) == expected) }
}
