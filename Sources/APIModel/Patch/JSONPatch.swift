internal import OrderedCollections

/// The operations of RFC 6902 on one document.
///
/// A few bytes of patch can ask for much: a copy doubles what is there, a move wraps it up once more. So the bytes that copies add, the
/// depth of what comes out, and the steps it all takes are bounded.
struct JSONPatch {
    typealias Error = Patch.Problem

    /// How many bytes all copies of a patch may add, as upstream's `JSONPatchMaxCopyBytes`.
    private static let maximumCopied = 3 << 20
    /// How many values and places in lists and objects all operations of a patch may look at or move.
    private static let maximumSteps = 1 << 26

    private(set) var document: Value
    private var copied = 0
    private var steps = 0

    init(_ document: Value) { self.document = document }

    mutating func apply(_ operation: Value) throws(Error) {
        guard let name = operation["op"].string else { throw Error(description: "Unexpected kind: ") }
        guard let path = operation["path"].string else { throw Error(description: "\(name) operation does not have a valid path") }
        switch name {
        case "add", "replace", "test":
            // Upstream's library takes a value that is not there for null.
            let value = operation.fields["value"] ?? .null
            switch name {
            case "add": try edit(path, .add(value), name)
            case "replace": try edit(path, .replace(value), name)
            default:
                let found = try read(path) ?? .null
                guard found == value else { throw Error(description: "testing value \(path) failed: test failed", isFailedTest: true) }
            }
        case "remove": try edit(path, .remove, name)
        case "move", "copy":
            guard let from = operation["from"].string else { throw Error(description: "\(name) operation does not have a valid from") }
            guard let value = try read(from) else { throw Self.missing(name, from) }
            if name == "move" {
                if path.hasPrefix(from + "/") {
                    throw Error(description: "\(name) operation does not apply: \(from) cannot be moved into itself")
                }
                try edit(from, .remove, name)
            } else {
                try countCopy(value)
            }
            try edit(path, .add(value), name)
        default: throw Error(description: "Unexpected kind: \(name)")
        }
    }

    private enum Edit {
        case add(Value)
        case replace(Value)
        case remove

        var value: Value? {
            switch self {
            case .add(let value), .replace(let value): value
            case .remove: nil
            }
        }
    }

    private mutating func step(_ more: Int) throws(Error) {
        steps += more
        guard steps <= Self.maximumSteps else { throw Error(description: "the patch takes more than \(Self.maximumSteps) steps") }
    }

    private mutating func countCopy(_ value: Value) throws(Error) {
        copied += JSON.size(of: value, upTo: Self.maximumCopied)
        guard copied <= Self.maximumCopied else {
            throw Error(
                description:
                    "Unable to copy, the accumulated size increase of copy is \(copied), exceeding the limit \(Self.maximumCopied)")
        }
    }

    private mutating func checkDepth(_ value: Value, below depth: Int) throws(Error) {
        guard depth < JSON.maximumDepth else { throw Error(description: "exceeded max depth") }
        switch value {
        case .array(let elements):
            try step(elements.count)
            for element in elements { try checkDepth(element, below: depth + 1) }
        case .object(let fields):
            try step(fields.count)
            for field in fields.values { try checkDepth(field, below: depth + 1) }
        default: break
        }
    }

    private static func missing(_ name: String, _ path: String) -> Error {
        Error(description: "\(name) operation does not apply: doc is missing \(name == "add" ? "path" : "key"): \(path): missing value")
    }

    private static func pointer(_ path: String) throws(Error) -> ArraySlice<String> {
        if path.isEmpty { return [] }
        guard path.hasPrefix("/") else { throw Error(description: "\(FieldError.quoted(path)) is not a JSON pointer") }
        return path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map {
            String($0).replacing("~1", with: "/").replacing("~0", with: "~")
        }[...]
    }

    private func read(_ path: String) throws(Error) -> Value? {
        var value = document
        for name in try Self.pointer(path) {
            switch value {
            case .object(let fields):
                guard let next = fields[name] else { return nil }
                value = next
            case .array(let elements):
                guard let index = Int(name), elements.indices.contains(index) else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value
    }

    private mutating func edit(_ path: String, _ change: Edit, _ name: String) throws(Error) {
        let pointer = try Self.pointer(path)
        if let value = change.value { try checkDepth(value, below: pointer.count) }
        var moved = 0
        try Self.edit(&document, pointer, change, name, path, &moved)
        try step(moved)
    }

    /// - Parameter moved: grows by the places that elements and fields were moved.
    private static func edit(
        _ document: inout Value, _ path: ArraySlice<String>, _ change: Edit, _ name: String, _ whole: String, _ moved: inout Int
    ) throws(Error) {
        guard let step = path.first else {
            document = change.value ?? .null
            return
        }
        let isLast = path.count == 1
        switch document {
        case .object(var fields):
            document = .null
            defer { document = .object(fields) }
            let index = fields.index(forKey: step)
            // A field that is not there can be replaced, too: so does upstream's library.
            if isLast, let value = change.value {
                fields[step] = value
                return
            }
            guard let index else {
                guard isLast, name == "remove" else { throw missing(name, whole) }
                throw Error(description: "error in remove for path: '\(whole)': Unable to remove nonexistent key: \(step): missing value")
            }
            switch change {
            case .replace(let value) where isLast: fields.values[index] = value
            case .remove where isLast:
                moved += fields.count
                fields.remove(at: index)
            default: try edit(&fields.values[index], path.dropFirst(), change, name, whole, &moved)
            }
        case .array(var elements):
            document = .null
            defer { document = .array(elements) }
            if isLast, step == "-", case .add(let value) = change {
                elements.append(value)
                return
            }
            guard let index = Int(step) else { throw missing(name, whole) }
            if isLast, case .add(let value) = change {
                guard (0...elements.count).contains(index) else {
                    throw Error(
                        description:
                            "add operation does not apply: doc is missing path: \(FieldError.quoted(whole)): invalid index referenced")
                }
                moved += elements.count - index
                elements.insert(value, at: index)
                return
            }
            guard elements.indices.contains(index) else { throw missing(name, whole) }
            switch change {
            case .replace(let value) where isLast: elements[index] = value
            case .remove where isLast:
                moved += elements.count - index
                elements.remove(at: index)
            default: try edit(&elements[index], path.dropFirst(), change, name, whole, &moved)
            }
        default: throw missing(name, whole)
        }
    }
}
