import APIModel

/// What is true of every object that the cluster has taken: each encoding can be read, and those of text give it back.
enum RoundTrip {
    static func check(_ object: Value, _ type: ResourceType) {
        guard let json = try? JSON.decode(JSON.encode(object)), json == object else { report("JSON", object, type) }
        guard let yaml = try? YAML.decode(YAML.encode(object)).first, yaml == object else { report("YAML", object, type) }
        // Not to the letter: protobuf leaves out empty messages, and zeros.
        guard object["kind"].string == type.kind, let bytes = try? Protobuf.encodeUnknown(object) else { return }
        guard (try? Protobuf.decodeUnknown(bytes)) != nil else { report("protobuf", object, type) }
    }

    private static func report(_ encoding: String, _ object: Value, _ type: ResourceType) -> Never {
        Find.report("\(encoding) gives back another \(type.kind): \(String(decoding: JSON.encode(object), as: UTF8.self).prefix(4_000))")
    }
}
