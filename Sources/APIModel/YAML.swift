internal import OrderedCollections

/// YAML text to values and back, with the meaning that Kubernetes' own tools give it: 1.1 as go-yaml reads it. All functions are safe from
/// any thread.
///
/// This uses libyaml itself: the Swift library over it brings the whole of Foundation into every process and plugin, 6.5 MB resident, and
/// expands aliases without end.
public enum YAML {
    /// Text that is not YAML, or has what JSON has not.
    public struct Error: Swift.Error, Sendable, Equatable, CustomStringConvertible {
        public var message: String
        /// Counted from 1.
        public var line: Int
        /// As Kubernetes' own reader tells it, which does not begin to count at the same line for all that can be wrong; 0 where it names none.
        var told: Int
        public var description: String { told == 0 ? "yaml: \(message)" : "yaml: line \(told): \(message)" }

        init(message: String, line: Int, told: Int) {
            self.message = message
            self.line = line
            self.told = told
        }
    }

    /// The documents of a stream; those that are empty are left out.
    /// - Throws: `YAML.Error`, also for a key that a mapping has twice.
    public static func decode(_ text: String) throws(Error) -> [Value] {
        var duplicates: [Error] = []
        let documents = try decode(text, duplicates: &duplicates)
        if let first = duplicates.first { throw first }
        return documents
    }

    /// Reads as `decode(_:)` does, but takes the last of two equal keys and appends what is wrong with them.
    public static func decode(_ text: String, duplicates: inout [Error]) throws(Error) -> [Value] {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(Error) in
                var reader = YAMLReader(bytes)
                defer { reader.close() }
                return (try reader.documents(), reader.duplicates)
            }
        }
        let (documents, found) = try result.get()
        duplicates += found
        return documents
    }

    /// Block style, fields in their order, lists not indented, as `kubectl -o yaml` prints.
    public static func encode(_ value: Value) -> String {
        var writer = YAMLWriter()
        writer.append(value, indent: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
