import OrderedCollections
import Testing

@testable import APIModel

/// Objects of every kind with some fields set and others not, by a generator that does the same each time.
@Suite struct RandomObjectTests {
    /// What is in an object is still there when it has been through protobuf, and from then on nothing changes any more.
    @Test(arguments: [1, 2, 3] as [UInt64]) func protobufLosesNothing(seed: UInt64) throws {
        for (catalogue, name) in [(Catalogue.builtin, "builtin"), (.everything, "everything")] {
            for (kind, type) in catalogue.kinds.sorted(by: { "\($0.kind)" < "\($1.kind)" }) {
                var objects = RandomObjects(seed: "\(kind)".utf8.reduce(seed) { $0 &* 31 &+ UInt64($1) })
                var object = objects.object(of: type, depth: 0)
                object["apiVersion"] = .string("\(kind.groupVersion)")
                object["kind"] = .string(kind.kind)
                let comment = Comment(rawValue: "\(name) \(kind) \(seed)")
                let bytes = try Protobuf.encodeUnknown(object, as: type)
                let once = try Protobuf.decodeUnknown(bytes, as: type, catalogue: catalogue)
                if let lost = Self.missing(object, from: once, FieldPath()) { Issue.record("\(kind), seed \(seed): \(lost)") }
                let again = try Protobuf.encodeUnknown(once, as: type)
                #expect(again == bytes, comment)
                #expect(try Protobuf.decodeUnknown(again, as: type, catalogue: catalogue) == once, comment)
            }
        }
    }

    /// And so it is with JSON and YAML.
    @Test func jsonAndYAMLLoseNothing() throws {
        for (kind, type) in Catalogue.builtin.kinds.sorted(by: { "\($0.kind)" < "\($1.kind)" }) {
            var objects = RandomObjects(seed: UInt64("\(kind)".utf8.count))
            let object = objects.object(of: type, depth: 0)
            #expect(try JSON.decode(JSON.encode(object)) == object, "\(kind)")
            #expect(try JSON.decode(JSON.encodePretty(object)) == object, "\(kind)")
            #expect(try YAML.decode(YAML.encode(object)) == [object], "\(kind)")
        }
    }

    /// The first value of `object` that `other` does not have.
    private static func missing(_ object: Value, from other: Value, _ path: FieldPath) -> String? {
        switch (object, other) {
        case (.object(let fields), .object(let others)):
            return fields.lazy.compactMap { missing($1, from: others[$0] ?? .null, path.child($0)) }.first
        case (.array(let elements), .array(let others)) where elements.count == others.count:
            return zip(elements, others).enumerated().lazy.compactMap { missing($1.0, from: $1.1, path.index($0)) }.first
        default: return object == other ? nil : "\(path) is \(object), and becomes \(other)"
        }
    }
}

/// Makes objects of any type of a catalogue, in the one form that each value has. Every field is as likely to be there as not to be; further
/// in it is less likely, so that types which refer to themselves come to an end.
struct RandomObjects {
    private var dice: Mutations

    init(seed: UInt64) { dice = Mutations(seed: seed) }

    mutating func object(of type: TypeSchema, depth: Int) -> Value {
        var fields: Value.Fields = [:]
        for field in type.fields where field.number != 0 && Int.random(in: 0..<8, using: &dice) < max(0, 5 - depth) {
            let value = value(field.type, depth: depth, mayBeZero: field.isOptional)
            if !value.isNull { fields[field.name] = value }
        }
        return .object(fields)
    }

    private static let texts = ["a", "nginx:1.27", "Größe", "\u{1F680} ship", "line\nline", "quote\"d \\ back", "0", "true", "null", " x "]
    private static let quantities = ["1", "100m", "1Gi", "1500m", "64Ki", "0", "-3", "1e3", "12345678901234567890"]
    private static let times = ["2026-01-02T03:04:05Z", "1970-01-01T00:00:01Z", "2099-12-31T23:59:59Z", "1969-12-31T23:59:58Z"]

    private mutating func one<Element>(of list: [Element]) -> Element { list[Int.random(in: 0..<list.count, using: &dice)] }

    /// - Parameter mayBeZero: whether a zero is more than nothing.
    private mutating func value(_ type: FieldType, depth: Int, mayBeZero: Bool) -> Value {
        switch type {
        case .string: return .string(mayBeZero ? one(of: Self.texts + [""]) : one(of: Self.texts))
        case .boolean: return .bool(mayBeZero ? Bool.random(using: &dice) : true)
        case .int32: return .int(one(of: [1, -1, 80, Int64(Int32.max), Int64(Int32.min)] + (mayBeZero ? [0] : [])))
        case .int64: return .int(one(of: [1, -1, 1 << 40, .max, .min] + (mayBeZero ? [0] : [])))
        case .double: return .double(one(of: [1.5, -0.25, 1e300]))
        case .bytes: return .string(one(of: ["AQID", "/+8=", "AA=="]))
        case .time: return .string(one(of: Self.times))
        case .microTime: return .string(one(of: ["2026-01-02T03:04:05.000006Z", "1970-01-01T00:00:01.999999Z"]))
        case .quantity: return .string(one(of: Self.quantities))
        case .intOrString: return one(of: [.int(0), .int(8080), .int(-1), "http", "25%"])
        case .any(let name): return any(name)
        case .object(let reference): return object(of: reference.schema, depth: depth + 1)
        case .array(let element):
            return .array((0..<Int.random(in: 1...3, using: &dice)).map { _ in value(element, depth: depth + 1, mayBeZero: true) })
        case .map(let element):
            var entries: Value.Fields = [:]
            for key in ["a", "b.c/d", "ü"].prefix(Int.random(in: 1...3, using: &dice)) {
                entries[key] = value(element, depth: depth + 1, mayBeZero: true)
            }
            return .object(entries)
        }
    }

    private mutating func any(_ name: String) -> Value {
        let schema: Value = ["type": "string"]
        return switch name.split(separator: ".").last {
        case "JSONSchemaPropsOrArray": one(of: [schema, [schema, schema]])
        case "JSONSchemaPropsOrBool": one(of: [schema, true, false])
        case "JSONSchemaPropsOrStringArray": one(of: [schema, ["a", "b"]])
        case "JSON": one(of: ["text", 3, true, [1, "x"], ["k": ["l": .null]]])
        default: ["f:metadata": ["f:name": .emptyObject]]
        }
    }
}
