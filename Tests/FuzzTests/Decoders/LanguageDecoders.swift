import APIModel

@testable import APIServer
@testable import CEL

/// Expressions, patterns and the rules of custom kinds.
enum LanguageDecoders {
    static let all = [cel, celEverything, regularExpression, customRules]

    private static let words = [
        "self", "oldSelf", "self.spec", "self.items", ".all(x, ", ".exists(x, ", ".map(x, ", ".filter(x, ", "has(", ".size()", "size(",
        "int(", "uint(", "double(", "string(",
        "duration('", "timestamp('", "quantity('", "ip('", "cidr('", "url('", "semver('", "matches('", ".find('", ".format([",
        "optional.of(", ".?", "[?", ".orValue(", "&&", "||",
        "? ", " in ", "==", "!=", "<=", "%", "0u", "1.0e400", "9223372036854775807", "-9223372036854775808", "18446744073709551615u", "r'",
        "b'", "'''", "\\u0000", "\\U0010FFFF",
        "cel.bind(x, ", ".indexOf('a', ", ".substring(", ".split(',', ", ".replace('a', 'b', ", "lists.range(", "sets.contains(", "type(",
        "dyn(", ".sum()", ".reverse()", ".slice(", ".flatten(",
        ".getHours('", ".getFullYear()", "{'a': 1}", "[1, 2]", "%d", "%.1000000000f", "%s", "%x", "transformList(i, v, ",
    ]

    private static let expressions = [
        "self.n < 5 && self.s.startsWith('a')", "self.items.all(x, x.n > 0 && x.name.matches('^[a-z]+$'))",
        "has(self.s) ? size(self.s) : 0", "self.items.map(x, x.n).sum() == 3",
        "quantity('1.5Gi').add(quantity('1')).isGreaterThan(quantity('0'))", "duration('1h2m3.5s').getSeconds() > 10",
        "timestamp('2026-01-02T03:04:05Z').getHours('Europe/Berlin') == 3",
        "ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.1.2.3')", "url('https://a.b:80/c?d=e').getPort() == '80'",
        "'%s-%d-%.2f'.format(['a', 1, 2.5])",
        "self.m.exists(k, self.m[k] > 1)", "optional.of(1).orValue(2) + self.?x.orValue(3)",
        "'a,b'.split(',').join('-').replace('a', 'b', 1).substring(0, 1)", "[1, 2, 3].slice(0, 2).indexOf(2)",
        "semver('1.2.3-a.1').isLessThan(semver('2.0.0'))", "-9223372036854775807 - 1 < 0 && 5 % 3 == 2 && 7 / 2 == 3",
        "cel.bind(a, self.n, a * a + a)", "sets.intersects([1], [1, 2])", "{'a': [1, 2]}['a'][0] == 1",
        "uint(3) + 4u > 6u && double('1.5') < 2.0", "b'abc' == bytes('abc') && string(b'a') == 'a'",
        "'aXbXc'.findAll('[a-c]', 2).size() == 2", "[[1], [2]].flatten().distinct().sort()",
    ]

    private static let schema: Value = [
        "type": "object",
        "properties": [
            "n": ["type": "integer"], "s": ["type": "string"], "d": ["type": "number"], "x": ["x-kubernetes-int-or-string": true],
            "t": ["type": "string", "format": "date-time"],
            "items": [
                "type": "array", "items": ["type": "object", "properties": ["n": ["type": "integer"], "name": ["type": "string"]]],
            ],
            "m": ["type": "object", "additionalProperties": ["type": "integer"]],
        ],
    ]
    private static let object: Value = [
        "n": 9_223_372_036_854_775_807, "s": "äbc\u{0}", "d": 1e308, "x": "25%", "t": "9999-12-31T23:59:59Z",
        "items": [["n": -9_223_372_036_854_775_808, "name": "a"], ["n": 1, "name": "é"]], "m": ["a": 1, "b": 2],
    ]

    /// As a rule of a custom kind uses the language.
    private static let cel = Decoder(text: "cel", seeds: expressions, words: words, longest: 4_000) { input in
        let type = SchemaType(schema)
        let declared = type.declared ?? .dyn
        let program = try environment(declared).compile(input)
        var budget = Budget()
        return "\(try program.evaluate(["self": CELValue(object, type), "oldSelf": CELValue(object, type)], budget: &budget))".prefix(20)
            .description
    }

    private static func environment(_ declared: DeclaredType) -> Environment {
        .kubernetes.with([Variable("self", declared), Variable("oldSelf", declared)])
    }

    /// With nothing known of the variables, so that what the checker cannot say comes at evaluation.
    private static let celEverything = Decoder(text: "cel-dyn", seeds: expressions, words: words, longest: 4_000) { input in
        let type = SchemaType(schema)
        let program = try environment(.dyn).compile(input)
        var budget = Budget()
        return "\(try program.evaluate(["self": CELValue(object, type), "oldSelf": CELValue(object, type)], budget: &budget))".prefix(20)
            .description
    }

    /// A pattern and, after the first line, a text.
    private static let regularExpression = Decoder(
        text: "regex",
        seeds: [
            "^[a-z]([-a-z0-9]*[a-z0-9])?$\nabc-d", "(a|b)*c{2,5}?\naabcc", "(?i:\\p{Greek}+)\\d\\b.\nαβγ1", "(?P<n>x+)(?:y|z){3}\nxxyyy",
            "[[:alpha:]\\]^-]+\\Q.*\\E\na.*", "(a*)*b\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ],
        words: [
            "{1000}", "{1,}", "{0,1000}", "(?", "(?:", "*?", "\\p{L}", "[^", "\\x{10FFFF}", "\\pN", "|", "(?i)", "\\B", "^", "$", "\\z",
            "(?P<a>", "\\C", "+",
        ], longest: 2_000
    ) { input in
        let parts = input.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let text = parts.count > 1 ? String(parts[1]) : ""
        let expression = try RegularExpression(String(parts[0]))
        return
            "\(expression.matches(text)) \(expression.captures(in: text)?.count ?? 0) \(expression.allMatches(in: text, limit: 100).count)"
    }

    private static let customRules = Decoder(
        "custom-rules",
        seeds: (DecoderSamples.definitions.map { $0["spec"]["versions"].elements[0]["schema"]["openAPIV3Schema"] } + [withRules]).map(
            JSON.encode),
        words: words + [
            "\"x-kubernetes-validations\":[{\"rule\":\"", "\"maxLength\":", "\"maxItems\":", "\"optionalOldSelf\":true",
            "\"messageExpression\":",
        ], isJSON: true
    ) { input in
        let schema = try JSON.decode(input)
        guard case .object = schema else { return "none" }
        let problems = CustomRules.problems(in: schema, FieldPath())
        guard let rules = try CustomRules.make(schema) else { return "no rules" }
        let errors = DecoderSamples.customObjects.flatMap { rules.validate($0, old: DecoderSamples.customObjects[0]) }
        return "\(problems.first.map { "\($0)".prefix(50) } ?? "") \(errors.count)"
    }

    private static let withRules: Value = [
        "type": "object",
        "x-kubernetes-validations": [
            [
                "rule": "self.spec.n >= oldSelf.spec.n", "messageExpression": "'%d'.format([self.spec.n])", "reason": "FieldValueForbidden",
                "fieldPath": ".spec.n",
            ]
        ],
        "properties": [
            "spec": [
                "type": "object",
                "properties": [
                    "n": ["type": "integer", "x-kubernetes-validations": [["rule": "self > 1 && self * 2 < 10"]]],
                    "l": [
                        "type": "array", "maxItems": 10,
                        "items": [
                            "type": "object", "x-kubernetes-validations": [["rule": "has(self.k)"]],
                            "properties": ["k": ["type": "string", "maxLength": 10]],
                        ],
                    ],
                    "m": [
                        "type": "object", "maxProperties": 10,
                        "additionalProperties": [
                            "type": "number", "x-kubernetes-validations": [["rule": "self > 0.5", "optionalOldSelf": true]],
                        ],
                    ],
                ],
            ]
        ],
    ]
}
