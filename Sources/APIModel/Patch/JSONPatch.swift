internal import OrderedCollections

/// One operation of RFC 6902.
enum JSONPatch {
    struct Error: Swift.Error, CustomStringConvertible {
        var description: String
    }

    static func apply(_ operation: Value, to document: inout Value) throws(Error) {
        guard let name = operation["op"].string else { throw Error(description: "Unexpected kind: ") }
        guard let path = operation["path"].string else { throw Error(description: "\(name) operation does not have a valid path") }
        let hasValue = operation.fields["value"] != nil
        switch name {
        case "add", "replace", "test":
            guard hasValue || name == "test" else {
                throw Error(description: "\(name) operation for path \(FieldError.quoted(path)) has no value")
            }
            let value = operation.fields["value"] ?? .null
            switch name {
            case "add": try edit(&document, pointer(path), .add(value), name, path)
            case "replace": try edit(&document, pointer(path), .replace(value), name, path)
            default:
                let found = try read(document, pointer(path)) ?? .null
                guard found == value else { throw Error(description: "testing value \(path) failed: test failed") }
            }
        case "remove": try edit(&document, pointer(path), .remove, name, path)
        case "move", "copy":
            guard let from = operation["from"].string else { throw Error(description: "\(name) operation does not have a valid from") }
            guard let value = try read(document, pointer(from)) else { throw missing(name, from) }
            if name == "move" {
                if path.hasPrefix(from + "/") {
                    throw Error(description: "\(name) operation does not apply: \(from) cannot be moved into itself")
                }
                try edit(&document, pointer(from), .remove, name, from)
            }
            try edit(&document, pointer(path), .add(value), name, path)
        default: throw Error(description: "Unexpected kind: \(name)")
        }
    }

    private enum Edit {
        case add(Value)
        case replace(Value)
        case remove
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

    private static func read(_ document: Value, _ path: ArraySlice<String>) throws(Error) -> Value? {
        var value = document
        for name in path {
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

    private static func edit(_ document: inout Value, _ path: ArraySlice<String>, _ change: Edit, _ name: String, _ whole: String)
        throws(Error)
    {
        guard let step = path.first else {
            switch change {
            case .add(let value), .replace(let value): document = value
            case .remove: document = .null
            }
            return
        }
        let isLast = path.count == 1
        switch document {
        case .object(var fields):
            document = .null
            defer { document = .object(fields) }
            if isLast {
                switch change {
                case .add(let value): fields[step] = value
                case .replace(let value):
                    guard fields[step] != nil else { throw missing(name, whole) }
                    fields[step] = value
                case .remove: guard fields.removeValue(forKey: step) != nil else { throw missing(name, whole) }
                }
            } else {
                guard var child = fields[step] else { throw missing(name, whole) }
                try edit(&child, path.dropFirst(), change, name, whole)
                fields[step] = child
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
                elements.insert(value, at: index)
                return
            }
            guard elements.indices.contains(index) else { throw missing(name, whole) }
            switch change {
            case .replace(let value) where isLast: elements[index] = value
            case .remove where isLast: elements.remove(at: index)
            default: try edit(&elements[index], path.dropFirst(), change, name, whole)
            }
        default: throw missing(name, whole)
        }
    }
}
