internal import OrderedCollections

/// What is wrong with a file that configures a component.
public struct ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    public var description: String
    package init(_ description: String) { self.description = description }
}

/// The fields of one object of a configuration file. Whoever reads the object asks for the fields it knows; what nobody asked for is refused
/// by name.
package final class ConfigurationFields {
    /// Where the object is in its file: `plugins[0]`.
    package let path: String
    private let object: Value
    private var known: Set<String> = []

    private init(_ object: Value, _ path: String) {
        self.object = object
        self.path = path
    }

    /// - Throws: `ConfigurationProblem`, what `body` throws, and for fields that `body` did not ask for.
    package static func read<T>(_ object: Value, at path: String, _ body: (ConfigurationFields) throws -> T) throws -> T {
        guard case .object = object else { throw ConfigurationProblem("\(path.isEmpty ? "the file" : path): expected an object") }
        let fields = ConfigurationFields(object, path)
        let result = try body(fields)
        for name in object.fields.keys where !fields.known.contains(name) {
            throw ConfigurationProblem("unknown field \(FieldError.quoted(fields.place(name)))")
        }
        return result
    }

    /// The path of a field, for messages.
    package func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    package func problem(_ name: String, _ what: String) -> ConfigurationProblem { ConfigurationProblem("\(place(name)): \(what)") }

    /// As it is; `.null` when it is not there.
    package func value(_ name: String) -> Value {
        known.insert(name)
        return object[name]
    }

    private func read<T>(_ name: String, _ type: String, _ body: (Value) -> T?) throws -> T? {
        let value = value(name)
        guard !value.isNull else { return nil }
        guard let result = body(value) else { throw problem(name, "expected \(type)") }
        return result
    }

    package func string(_ name: String) throws -> String? { try read(name, "a string") { $0.string } }
    package func bool(_ name: String) throws -> Bool? { try read(name, "true or false") { $0.bool } }
    package func whole(_ name: String) throws -> Whole? { try read(name, "a whole number") { $0.int } }

    /// `1m30s`
    package func duration(_ name: String) throws -> Duration? {
        try read(name, "a duration, as in 1m30s") { $0.string.flatMap(GoDuration.parse) }
    }

    package func strings(_ name: String) throws -> [String] {
        try read(name, "a list of strings") { value in
            guard case .array(let items) = value else { return nil }
            let strings = items.compactMap(\.string)
            return strings.count == items.count ? strings : nil
        } ?? []
    }

    package func required(_ name: String) throws -> String {
        guard let text = try string(name), !text.isEmpty else { throw problem(name, "required") }
        return text
    }

    /// One of a few words.
    package func choice<T: RawRepresentable & CaseIterable>(_ name: String, _ type: T.Type = T.self) throws -> T?
    where T.RawValue == String {
        guard let text = try string(name) else { return nil }
        guard let choice = T(rawValue: text) else {
            let all = T.allCases.map { FieldError.quoted($0.rawValue) }.joined(separator: ", ")
            throw problem(name, "unsupported value \(FieldError.quoted(text)): supported values: \(all)")
        }
        return choice
    }

    package func object<T>(_ name: String, _ body: (ConfigurationFields) throws -> T) throws -> T? {
        let value = value(name)
        return value.isNull ? nil : try Self.read(value, at: place(name), body)
    }

    package func objects<T>(_ name: String, _ body: (ConfigurationFields) throws -> T) throws -> [T] {
        let value = value(name)
        guard !value.isNull else { return [] }
        guard case .array(let items) = value else { throw problem(name, "expected a list") }
        return try items.enumerated().map { try Self.read($1, at: "\(place(name))[\($0)]", body) }
    }
}

/// A file that holds one object of a known kind.
package enum ConfigurationFile {
    /// - Parameter versions: the group and versions in which the kind is taken.
    /// - Throws: `ConfigurationProblem` for text that is no YAML, another kind, and fields that nobody knows.
    package static func read<T>(_ text: String, kind: String, versions: [String], _ body: (ConfigurationFields) throws -> T) throws -> T {
        let documents: [Value]
        do {
            documents = try YAML.decode(text)
        } catch {
            throw ConfigurationProblem("\(error)")
        }
        guard documents.count == 1 else { throw ConfigurationProblem("expected one object, found \(documents.count)") }
        return try read(documents[0], kind: kind, versions: versions, body)
    }

    package static func read<T>(_ object: Value, kind: String, versions: [String], _ body: (ConfigurationFields) throws -> T) throws -> T {
        try ConfigurationFields.read(object, at: "") { fields in
            let (version, found) = (try fields.string("apiVersion") ?? "", try fields.string("kind") ?? "")
            guard found == kind, versions.contains(version) else {
                throw ConfigurationProblem(
                    "no kind \(FieldError.quoted(found)) is registered for version \(FieldError.quoted(version)): expected \(kind) of \(versions.joined(separator: " or "))"
                )
            }
            return try body(fields)
        }
    }
}
