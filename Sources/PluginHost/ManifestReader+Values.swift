internal import APIModel
internal import OrderedCollections

// Reading one value, or saying what is wrong with it.
extension ManifestReader {
    func allow(_ known: [String], in value: Value, at path: String) throws {
        guard value.isObject else { throw error("\(path.isEmpty ? "the document" : path): must be an object") }
        for (key, _) in value.fields where !known.contains(key) {
            throw error("\(path.isEmpty ? key : "\(path).\(key)"): unknown key; known here are \(known.joined(separator: ", "))")
        }
    }

    func string(_ value: Value, at path: String) throws -> String {
        guard let string = value.string, !string.isEmpty else { throw error("\(path): must be a string that is not empty") }
        return string
    }

    /// One of the raw values of `type`; without a default there must be one.
    func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ value: Value, of type: Choice.Type, default fallback: Choice?, at path: String
    ) throws -> Choice {
        if value.isNull, let fallback { return fallback }
        let name = try string(value, at: path)
        guard let choice = Choice(rawValue: name) else {
            throw error("\(path): \"\(name)\" is none of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    func bool(_ value: Value, default fallback: Bool, at path: String) throws -> Bool {
        if value.isNull { return fallback }
        guard let bool = value.bool else { throw error("\(path): must be true or false") }
        return bool
    }

    func int(_ value: Value, _ range: ClosedRange<Int>, default fallback: Int, at path: String) throws -> Int {
        if value.isNull { return fallback }
        guard let int = value.int, range.contains(Int(int)) else {
            throw error("\(path): must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return Int(int)
    }

    func list(_ value: Value, at path: String) throws -> [Value] {
        switch value {
        case .null: return []
        case .array(let elements): return elements
        default: throw error("\(path): must be a list")
        }
    }

    func resources(_ value: Value, at path: String) throws -> [GroupVersionResource] {
        try list(value, at: path).enumerated().map { try resource($1, at: "\(path)[\($0)]") }
    }

    func resource(_ value: Value, at path: String) throws -> GroupVersionResource {
        guard let resource = GroupVersionResource(try string(value, at: path)) else {
            throw error("\(path): \(text(value)) is not of the form group/version/plural or version/plural")
        }
        return resource
    }

    func isLabel(_ name: String) -> Bool {
        name.utf8.count <= 63 && name.first != "-" && name.last != "-"
            && name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }

    func text(_ value: Value) -> String { String(decoding: JSON.encode(value), as: UTF8.self) }
    func error(_ message: String) -> PluginError { PluginError(.invalidManifest, plugin: file, message) }
}

extension Value {
    var isObject: Bool { if case .object = self { true } else { false } }
}
