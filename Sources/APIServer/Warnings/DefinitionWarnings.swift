import APIModel
import OrderedCollections

/// CustomResourceDefinitions: formats of strings that nothing checks.
enum DefinitionWarnings {
    static func formats(_ object: Value, _ old: Value?) -> [String] {
        let known = Set(old.map(unknownFormats) ?? [])
        return unknownFormats(object).filter { !known.contains($0) }.map { "unrecognized format \"\($0)\"" }
    }

    private static func unknownFormats(_ definition: Value) -> [String] {
        definition["spec"]["versions"].elements.flatMap { version in
            unknown(version["schema"]["openAPIV3Schema"])
        }
    }

    /// By the type of what they are a format of, written without dashes.
    private static let formats: [String: Set<String>] = [
        "string": [
            "bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac", "uuid", "uuid3", "uuid4", "uuid5", "isbn", "isbn10",
            "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor", "byte", "password", "date", "duration", "datetime", "k8sshortname",
            "k8slongname",
        ],
        "integer": ["int32", "int64"],
        "number": ["float", "double"],
    ]
    private static let several = ["properties", "patternProperties", "definitions"]
    private static let lists = ["allOf", "oneOf", "anyOf"]
    private static let single = ["items", "additionalProperties", "not"]

    private static func unknown(_ schema: Value) -> [String] {
        guard case .object = schema else { return [] }
        var found: [String] = []
        if let format = schema["format"].string, !format.isEmpty, !isKnown(format, schema["type"].string ?? "") { found.append(format) }
        for name in single { found += unknown(schema[name]) }
        for name in lists { found += schema[name].elements.flatMap(unknown) }
        for name in several { found += schema[name].fields.values.flatMap(unknown) }
        return found
    }

    private static func isKnown(_ format: String, _ type: String) -> Bool {
        let isText = type.isEmpty || type == "string"
        return formats[isText ? "string" : type]?.contains(isText ? format.replacing("-", with: "") : format) ?? false
    }
}
