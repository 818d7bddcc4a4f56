import APIModel

/// What is true of every object that the cluster has taken: each encoding gives it back.
enum RoundTrip {
    static func check(_ object: Value, _ type: ResourceType) {
        guard let json = try? JSON.decode(JSON.encode(object)), json == object else { report("JSON", object, type) }
        guard let yaml = try? YAML.decode(YAML.encode(object)).first, yaml == object else { report("YAML", object, type) }
        guard object["kind"].string == type.kind, let bytes = try? Protobuf.encodeUnknown(object) else { return }
        guard var back = try? Protobuf.decodeUnknown(bytes) else { report("protobuf", object, type) }
        _ = Pruning.prune(&back, schema: type.schema.schema)
        var canonical = object
        _ = Pruning.prune(&canonical, schema: type.schema.schema)
        guard let again = try? Protobuf.encodeUnknown(back), again == bytes else { report("protobuf", object, type) }
    }

    private static func report(_ encoding: String, _ object: Value, _ type: ResourceType) -> Never {
        Find.report("\(encoding) gives back another \(type.kind): \(String(decoding: JSON.encode(object), as: UTF8.self).prefix(4_000))")
    }
}
