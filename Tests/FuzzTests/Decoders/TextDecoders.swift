import OrderedCollections

@testable import APIModel

/// Encodings of objects, patches, selectors and the small languages in fields.
enum TextDecoders {
    static let all: [Decoder] = encodings + patches + selectors + scalars + [jsonPath, printedColumn, definition]

    private static let samples: [Value] = DecoderSamples.objects
    private static let pod = DecoderSamples.objects[0]
    private static let cronJobType = Catalogue.builtin.resources.first { $0.kind == "CronJob" }!
    private static let podType = Catalogue.builtin.resources.first { $0.kind == "Pod" && $0.group.isEmpty }!

    // MARK: Encodings

    private static let encodings = [
        Decoder("json", seeds: samples.map(JSON.encode) + [JSON.encodePretty(pod)], isJSON: true) { input in
            var duplicates: [String] = []
            let value = try JSON.decode(input, duplicates: &duplicates)
            guard try JSON.decode(JSON.encode(value)) == value, try JSON.decode(JSON.encodePretty(value)) == value else {
                Find.report("JSON gives back another value")
            }
            return "\(value.kindName) \(duplicates.isEmpty)"
        },
        Decoder("json-object", seeds: samples.map(JSON.encode), isJSON: true) { input in
            var value = try JSON.decode(input)
            guard let kind = value["kind"].string, let resource = Catalogue.builtin.resources.first(where: { $0.kind == kind }) else {
                return "no kind"
            }
            let gvk = GroupVersionKind(group: resource.group, version: resource.version, kind: kind)
            let unknown = try Pruning.decode(&value, schema: resource.schema.schema, kind: gvk)
            Defaulting.apply(&value, resource: resource)
            let errors = Validation.validate(value, resource: resource)
            let errorsOfUpdate = Validation.validateUpdate(
                value, old: samples.first { $0["kind"].string == kind } ?? value, resource: resource, subresource: nil)
            let now = Timestamp.nowSeconds()
            _ = Table.render([value], resource: resource, includeObject: .object, listMetadata: .emptyObject, now: now)
            return "\(kind) \(unknown.isEmpty) \(errors.first.map { "\($0)".prefix(40) } ?? "") \(errorsOfUpdate.count)"
        },
        Decoder(
            text: "yaml", seeds: samples.map(YAML.encode) + [DecoderSamples.yaml],
            words: ["&a ", "*a", "---\n", "? ", "|\n", ">-\n", "!!str ", "<<: ", "\n  ", "- ", "#", "0o7", ".inf", "~"]
        ) { input in
            var duplicates: [YAML.Error] = []
            let values = try YAML.decode(input, duplicates: &duplicates)
            for value in values where try YAML.decode(YAML.encode(value)).first != value { Find.report("YAML gives back another value") }
            return values.map(\.kindName).joined().prefix(8) + " \(duplicates.isEmpty)"
        },
        Decoder("protobuf", seeds: samples.compactMap { try? Protobuf.encodeUnknown($0) }) { input in
            let value = try Protobuf.decodeUnknown(input)
            let bytes = try Protobuf.encodeUnknown(value)
            let back = try Protobuf.decodeUnknown(bytes)
            guard back == value, try Protobuf.encodeUnknown(back) == bytes else {
                Find.report("protobuf gives back another value")
            }
            return value["kind"].string ?? ""
        },
        Decoder(
            "protobuf-cri",
            seeds: DecoderSamples.runtimeAnswers.compactMap { name, value in
                Catalogue.cri.type(named: name).flatMap { try? Protobuf.encode(value, as: $0) }
            }
        ) { input in
            var outcomes = ""
            for (name, _) in DecoderSamples.runtimeAnswers {
                guard let type = Catalogue.cri.type(named: name) else { continue }
                if let value = try? Protobuf.decode(input, as: type) {
                    _ = try Protobuf.encode(value, as: type)
                    outcomes += value.isEmpty ? "e" : "v"
                } else {
                    outcomes += "x"
                }
            }
            return outcomes
        },
    ]

    // MARK: Patches

    private static let patches = [
        Decoder(
            "json-patch", seeds: DecoderSamples.jsonPatches.map(JSON.encode),
            words: ["\"op\"", "\"add\"", "\"copy\"", "\"move\"", "/-", "~1", "~0", "/spec/containers/0"], isJSON: true
        ) { input in
            try Patch.json(pod, JSON.decode(input)).kindName
        },
        Decoder("merge-patch", seeds: DecoderSamples.mergePatches.map(JSON.encode), isJSON: true) { input in
            Patch.merge(pod, try JSON.decode(input)).kindName
        },
        Decoder(
            "strategic-patch", seeds: (DecoderSamples.mergePatches + DecoderSamples.strategicPatches).map(JSON.encode),
            words: [
                "\"$patch\":\"delete\"", "\"$patch\":\"replace\"", "\"$retainKeys\":[]", "$setElementOrder/containers",
                "$deleteFromPrimitiveList/finalizers", "\"name\":null",
            ], isJSON: true
        ) { input in
            let patch = try JSON.decode(input)
            let merged = try Patch.strategic(pod, patch, schema: podType.schema.schema)
            _ = try Patch.strategic(merged, patch, schema: podType.schema.schema)
            return merged.kindName
        },
    ]

    // MARK: Selectors

    private static let selectors = [
        Decoder(
            text: "label-selector", seeds: ["app=web", "app in (web, db),!x,tier notin (a),v>1", "a==b,c!=d,e", "x.example.com/y,n<10"],
            words: ["in", "notin", "!=", "==", "!", "<", ">"]
        ) { input in
            let selector = try LabelSelector(parsing: input)
            guard try LabelSelector(parsing: selector.description) == selector else {
                Find.report("a label selector reads as another: \(selector)")
            }
            return "\(selector.matches(["app": "web", "v": "2"])) \(selector.description.count)"
        },
        Decoder(
            "label-selector-object",
            seeds: [
                JSON.encode([
                    "matchLabels": ["app": "web"],
                    "matchExpressions": [["key": "a", "operator": "In", "values": ["b"]], ["key": "c", "operator": "Exists"]],
                ])
            ], isJSON: true
        ) { input in
            "\(try LabelSelector(JSON.decode(input)).matches(["app": "web"]))"
        },
        Decoder(
            text: "field-selector", seeds: ["metadata.name=web", "spec.nodeName=n1,status.phase!=Running", "a==b\\,c,d\\=e=f"],
            words: ["\\", "!=", "==", "metadata.namespace", "spec.restartPolicy"]
        ) { input in
            "\(try FieldSelector(parsing: input).test(for: podType).accepts(pod))"
        },
    ]

    // MARK: Words and numbers

    private static let scalars = [
        Decoder(text: "quantity", seeds: Array(Extremes.quantities)) { input in
            let quantity = try Quantity(input)
            guard try Quantity(quantity.description) == quantity else { Find.report("a quantity reads as another: \(quantity)") }
            _ = (quantity + quantity, quantity - quantity, quantity.milliValue, quantity.value)
            return quantity.description.filter { !$0.isNumber }
        },
        Decoder(text: "time", seeds: Extremes.times) { input in
            guard let time = Timestamp.parse(input) else { return "none" }
            let age = HumanDuration.text(seconds: Timestamp.nowSeconds() - time.seconds)
            return "\(Timestamp.format(seconds: time.seconds).count) \(age.filter { !$0.isNumber })"
        },
        Decoder(text: "whole", seeds: Extremes.numberTexts + ["12"]) { input in
            guard let whole = Whole(input) else { return "none" }
            return "\(whole * whole + whole - 1 > whole / (whole + 1) % (whole - 7))"
                + "\(IntOrPercent(.string(input)).map { $0.resolved(of: whole, roundedUp: true) } ?? 0 > 1)"
        },
        Decoder(text: "int-or-percent", seeds: ["25%", "100%", "0", "-5%"]) { input in
            guard let value = IntOrPercent(.string(input)) else { return "none" }
            return "\(Extremes.integers.map { value.resolved(of: Whole($0), roundedUp: $0 % 2 == 0) > 3 })"
        },
        Decoder(
            text: "cron", seeds: ["* * * * *", "*/5 0-23/2 1,15 * MON-FRI", "@daily", "TZ=Europe/Berlin 0 0 31 2 *", "0 0 1 jan-dec ?"],
            words: ["*/", "-", ",", "@every ", "CRON_TZ=", "SUN", "L", "?"]
        ) { input in
            let job: Value = ["spec": ["schedule": .string(input), "timeZone": .string(input), "jobTemplate": .emptyObject]]
            return "\(Validation.validate(job, resource: cronJobType).map { "\($0)".prefix(30) })"
        },
        Decoder(
            text: "names", seeds: ["web", "a.b.example.com", "example.com/name", "net.ipv4.ip_forward", "10.0.0.0/8", "fe80::1", "25%"]
        ) { input in
            let checks: [(String) -> [String]] = [
                Names.dnsLabel, Names.dnsSubdomain, Names.dns1035Label, Names.qualifiedName, Names.labelValue, Names.configMapKey,
                Names.pathSegment,
                Names.portName, Names.environmentName, Names.headerName, Names.ip, Names.cidr, Names.percentOrNumber,
            ]
            _ = (IPLiteral.bytes(input), IPScope(input), Names.isSysctl(input))
            return checks.map { $0(input).isEmpty ? "y" : "n" }.joined()
        },
        Decoder(text: "base64", seeds: ["", "YQ==", "YWI=", "YWJj", "YWJj\n"]) { input in
            guard let bytes = Base64.decode(input) else { return "none" }
            guard Base64.decode(Base64.encode(bytes)) == bytes else { Find.report("base64 gives back other bytes") }
            return "\(bytes.count % 7)"
        },
        Decoder(text: "group-version", seeds: ["v1", "apps/v1", "a/b/c"]) { input in
            "\(GroupVersion(input).map { "\($0)" == input } ?? false)"
        },
    ]

    private static let jsonPath = Decoder(
        text: "jsonpath",
        seeds: [
            ".spec.replicas", ".status.conditions[?(@.type==\"Ready\")].status", ".spec.containers[*].image", ".spec.containers[-1].name",
            ".metadata.labels['app']",
        ], words: ["[*]", "[?(@.", "==", "!=", ")]", "['", "']", "[0]", "..", "[-1]", "[1:2]"]
    ) { input in
        ["string", "integer", "number", "boolean", "date"].map {
            JSONPath.cell(pod, input, type: $0, PrintContext(now: Timestamp.nowSeconds())).kindName
        }.joined()
    }

    private static let printedColumn = Decoder("table", seeds: samples.map(JSON.encode), isJSON: true) { input in
        let object = try JSON.decode(input)
        // Whatever lies in the store is printed.
        for resource in Catalogue.builtin.resources where resource.kind == object["kind"].string {
            _ = Table.render(
                [object], resource: resource, includeObject: .metadata, listMetadata: .emptyObject, now: Timestamp.nowSeconds())
        }
        return object["kind"].string ?? ""
    }

    private static let definition = Decoder(
        "custom-schema", seeds: DecoderSamples.definitions.map(JSON.encode),
        words: [
            "\"x-kubernetes-preserve-unknown-fields\":true", "\"additionalProperties\":{}", "\"items\":{}", "\"nullable\":true",
            "\"default\":", "\"multipleOf\":0", "\"maxLength\":", "\"pattern\":\"(\"", "\"x-kubernetes-list-map-keys\":[\"a\"]",
            "\"allOf\":[{}]",
        ], isJSON: true
    ) { input in
        var definition = try JSON.decode(input)
        let resource = Catalogue.builtin.resources.first { $0.kind == "CustomResourceDefinition" }!
        let kind = GroupVersionKind(group: resource.group, version: resource.version, kind: resource.kind)
        _ = try Pruning.decode(&definition, schema: resource.schema.schema, kind: kind)
        Defaulting.apply(&definition, resource: resource)
        let errors = Validation.validate(definition, resource: resource)
        definition["status"]["acceptedNames"] = definition["spec"]["names"]
        let customs = try ResourceType.custom(definition) { text in { $0.contains(text) } }
        for custom in customs {
            for sample in DecoderSamples.customObjects {
                var object = sample
                _ = Pruning.prune(&object, schema: custom.schema.schema)
                Defaulting.apply(&object, resource: custom)
                _ = Validation.validate(object, resource: custom)
                _ = Table.render(
                    [object], resource: custom, includeObject: .metadata, listMetadata: .emptyObject, now: Timestamp.nowSeconds())
            }
            _ = OpenAPI.v3(groupVersion: custom.groupVersion, resources: [custom], catalogue: .builtin)
        }
        return "\(customs.count) \(errors.first.map { "\($0)".prefix(60) } ?? "")"
    }
}

extension Value {
    /// What a value is, in a letter.
    var kindName: String {
        switch self {
        case .null: "n"
        case .bool: "b"
        case .int: "i"
        case .double: "d"
        case .string: "s"
        case .array: "a"
        case .object: "o"
        }
    }
}
