internal import CYAML
internal import OrderedCollections

/// Builds values from libyaml's events.
struct YAMLReader {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private var event = yaml_event_t()
    private struct Anchor {
        var value: Value
        /// Of how many nodes and bytes of text it is made.
        var size: Int
        /// How deep it nests.
        var depth: Int
    }

    /// What each anchor of the document stands for.
    private var anchors: [String: Anchor] = [:]
    /// The anchors of what is being read.
    private var open: Set<String> = []
    /// Nodes and bytes of text so far, those that aliases stand for among them.
    private var size = 0
    /// The depth of the deepest node since it was last asked for.
    private var deepest = 0
    private(set) var duplicates: [YAML.Error] = []
    /// A text without aliases has no more nodes than bytes, and no more bytes of text than half as many again.
    private let limit: Int
    private static let maximumDepth = 512

    /// - Parameter text: must stay where it is until `close()`.
    init(_ text: UnsafeBufferPointer<UInt8>) {
        parser = .allocate(capacity: 1)
        limit = text.count * 3 + 100_000
        yaml_parser_initialize(parser)
        yaml_parser_set_input_string(parser, text.baseAddress, text.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    mutating func close() {
        yaml_event_delete(&event)
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    mutating func documents() throws(YAML.Error) -> [Value] {
        var documents: [Value] = []
        while try next() != YAML_STREAM_END_EVENT {
            guard event.type == YAML_DOCUMENT_START_EVENT else { continue }
            anchors = [:]
            open = []
            try next()
            let value = try node(depth: 0)
            if !value.isNull { documents.append(value) }
        }
        return documents
    }

    @discardableResult
    private mutating func next() throws(YAML.Error) -> yaml_event_type_t {
        yaml_event_delete(&event)
        guard yaml_parser_parse(parser, &event) == 1 else {
            let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
            let (error, place) = (parser.pointee.error, Int(parser.pointee.problem_mark.line))
            if error == YAML_READER_ERROR { throw YAML.Error(message: problem, line: Int(parser.pointee.mark.line) + 1, told: 0) }
            let told =
                if place == 0 {
                    Int(parser.pointee.context_mark.line)
                } else {
                    error == YAML_SCANNER_ERROR ? place + 1 : place
                }
            throw YAML.Error(message: problem, line: place + 1, told: told)
        }
        return event.type
    }

    private func failure(_ message: String) -> YAML.Error {
        YAML.Error(message: message, line: Int(event.start_mark.line) + 1, told: 0)
    }

    private func string(_ bytes: UnsafePointer<yaml_char_t>?) -> String? { bytes.map { String(cString: $0) } }

    private mutating func count(_ more: Int) throws(YAML.Error) {
        size += more
        guard size <= limit else { throw failure("document contains excessive aliasing") }
    }

    /// Reads the node that the current event begins, up to its last event.
    private mutating func node(depth: Int) throws(YAML.Error) -> Value {
        let (sizeBefore, deepestBefore) = (size, deepest)
        deepest = depth
        defer { deepest = max(deepest, deepestBefore) }
        try reach(depth)
        try count(1)
        let value: Value
        let anchor: String?
        switch event.type {
        case YAML_ALIAS_EVENT:
            let name = string(event.data.alias.anchor) ?? ""
            guard let known = anchors[name] else {
                throw failure(open.contains(name) ? "anchor '\(name)' value contains itself" : "unknown anchor '\(name)' referenced")
            }
            try count(known.size)
            try reach(depth + known.depth)
            return known.value
        case YAML_SCALAR_EVENT:
            anchor = string(event.data.scalar.anchor)
            try count(event.data.scalar.length)
            value = try scalar()
        case YAML_SEQUENCE_START_EVENT:
            anchor = string(event.data.sequence_start.anchor)
            if let anchor { open.insert(anchor) }
            var elements: [Value] = []
            while try next() != YAML_SEQUENCE_END_EVENT { elements.append(try node(depth: depth + 1)) }
            value = .array(elements)
        case YAML_MAPPING_START_EVENT:
            anchor = string(event.data.mapping_start.anchor)
            if let anchor { open.insert(anchor) }
            value = .object(try mapping(depth: depth))
        default: throw failure("an unexpected event")
        }
        if let anchor {
            open.remove(anchor)
            anchors[anchor] = Anchor(value: value, size: size - sizeBefore, depth: deepest - depth)
        }
        return value
    }

    private mutating func reach(_ depth: Int) throws(YAML.Error) {
        guard depth < Self.maximumDepth else { throw failure("exceeded max depth of \(Self.maximumDepth)") }
        deepest = max(deepest, depth)
    }

    private mutating func mapping(depth: Int) throws(YAML.Error) -> Value.Fields {
        var fields: Value.Fields = [:]
        var merged: [(value: Value, line: Int)] = []
        while try next() != YAML_MAPPING_END_EVENT {
            let line = Int(event.start_mark.line) + 1
            let isMerge = isMergeKey
            let key = try node(depth: depth + 1)
            let name = isMerge ? "<<" : try self.name(key)
            try next()
            let value = try node(depth: depth + 1)
            if isMerge {
                if case .array(let elements) = value { merged += elements.map { ($0, line) } } else { merged.append((value, line)) }
            } else if fields.updateValue(value, forKey: name) != nil {
                duplicates.append(YAML.Error(message: "key \"\(name)\" already set in map", line: line, told: line))
            }
        }
        // The mapping's own keys come before merged ones, and the first that is merged before later ones.
        for (other, line) in merged {
            guard case .object(let others) = other else {
                throw YAML.Error(message: "map merge requires map or sequence of maps as the value", line: line, told: 0)
            }
            fields.merge(others) { own, _ in own }
            try count(others.count)
        }
        return fields
    }

    private var isPlain: Bool {
        event.type == YAML_SCALAR_EVENT && event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE && event.data.scalar.plain_implicit != 0
    }

    private var isMergeKey: Bool { isPlain && event.data.scalar.length == 2 && string(event.data.scalar.value) == "<<" }

    /// JSON has string keys only; numbers and booleans become their text.
    private func name(_ key: Value) throws(YAML.Error) -> String {
        switch key {
        case .string(let name): return name
        case .bool, .int: return String(decoding: JSON.encode(key), as: UTF8.self)
        case .double(let double) where double.isFinite: return String(decoding: JSON.encode(key), as: UTF8.self)
        default: throw failure("a key that is no string, number or boolean")
        }
    }

    private func scalar() throws(YAML.Error) -> Value {
        let bytes = UnsafeBufferPointer(start: event.data.scalar.value, count: event.data.scalar.length)
        let text = String(decoding: bytes, as: UTF8.self)
        let value: Value
        if isPlain {
            value = YAMLScalar.resolve(text)
        } else {
            value = try tagged(text)
        }
        if case .double(let double) = value, !double.isFinite { throw failure("unsupported value: \(text)") }
        return value
    }

    /// A quoted scalar is a string unless its tag says otherwise.
    private func tagged(_ text: String) throws(YAML.Error) -> Value {
        let prefix = "tag:yaml.org,2002:"
        guard let tag = string(event.data.scalar.tag), tag.hasPrefix(prefix) else { return .string(text) }
        switch tag.dropFirst(prefix.count) {
        case "int", "bool", "null":
            let value = YAMLScalar.resolve(text)
            if case .string = value { throw failure("cannot decode \(text) as a \(tag.dropFirst(prefix.count))") }
            return value
        case "float":
            guard let number = YAMLScalar.resolve(text).number else { throw failure("cannot decode \(text) as a float") }
            return .double(number)
        case "binary":
            guard let bytes = Base64.decode(text), let decoded = String(validating: bytes, as: UTF8.self) else {
                throw failure("!!binary value contains invalid base64 data")
            }
            return .string(decoded)
        default: return .string(text)
        }
    }
}
