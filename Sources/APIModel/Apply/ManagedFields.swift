internal import OrderedCollections

/// Who owns which fields of an object: `metadata.managedFields`, read.
public struct ManagedFields: Sendable {
    /// What tells one entry from another.
    public struct Manager: Sendable, Hashable {
        public var name: String
        public var operation: Operation
        /// Empty for an apply: a manager applies in one version after another as the same one.
        public var apiVersion: String
        public var subresource: String

        public init(_ name: String, _ operation: Operation, apiVersion: String, subresource: String) {
            self.name = name.isEmpty ? "unknown" : name
            self.operation = operation
            self.apiVersion = operation == .apply ? "" : apiVersion
            self.subresource = subresource
        }
    }

    public enum Operation: String, Sendable {
        case apply = "Apply"
        case update = "Update"
    }

    public struct Entry: Sendable {
        public var manager: Manager
        /// The version whose fields are meant.
        public var apiVersion: String
        /// When the set last changed.
        public var time: String?
        /// Most entries are carried from one state of an object to the next as they are.
        private var form: Form

        private enum Form {
            case written(Value)
            case read(FieldSet)
        }

        public init(manager: Manager, apiVersion: String, time: String?, fields: FieldSet) {
            (self.manager, self.apiVersion, self.time, form) = (manager, apiVersion, time, .read(fields))
        }

        /// - Parameter fieldsV1: can be read.
        fileprivate init(manager: Manager, apiVersion: String, time: String?, written fieldsV1: Value) {
            (self.manager, self.apiVersion, self.time, form) = (manager, apiVersion, time, .written(fieldsV1))
        }

        public var fields: FieldSet {
            get {
                switch form {
                case .written(let value): (try? FieldSet(fieldsV1: value)) ?? FieldSet()
                case .read(let set): set
                }
            }
            set { form = .read(newValue) }
        }

        var isEmpty: Bool {
            switch form {
            case .written(let value): value.fields.isEmpty
            case .read(let set): set.isEmpty
            }
        }

        fileprivate var fieldsV1: Value {
            switch form {
            case .written(let value): value
            case .read(let set): set.fieldsV1
            }
        }

        /// Whether there is anything in it within the outermost fields of these names, as `fieldsV1` writes them.
        func mentions(_ names: Set<String>) -> Bool {
            switch form {
            case .written(let value): value.fields.keys.contains(where: names.contains)
            case .read(let set): set.entries.contains { names.contains($0.element.text) }
            }
        }
    }

    /// What is wrong with an entry.
    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    /// No manager twice.
    public private(set) var entries: [Entry] = []

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }

    public subscript(manager: Manager) -> Entry? {
        get { entries.first { $0.manager == manager } }
        set {
            let index = entries.firstIndex { $0.manager == manager }
            switch (index, newValue) {
            case (let index?, let entry?): entries[index] = entry
            case (let index?, nil): entries.remove(at: index)
            case (nil, let entry?): entries.append(entry)
            case (nil, nil): break
            }
        }
    }

    /// Changes every entry; those for which there is nothing left are dropped.
    mutating func change(_ body: (inout Entry) -> Void) {
        for index in entries.indices { body(&entries[index]) }
        entries.removeAll(where: \.isEmpty)
    }

    mutating func remove(where isUnwanted: (Entry) -> Bool) { entries.removeAll(where: isUnwanted) }

    // MARK: The object's form

    /// - Parameters:
    ///   - list: `metadata.managedFields`.
    ///   - isStored: whether it was written by the server, and so need not be read where nothing is done with it.
    /// - Throws: a sentence, when one entry cannot be read.
    public init(_ list: Value, isStored: Bool = false) throws {
        for (index, value) in list.elements.enumerated() {
            guard let operation = Operation(rawValue: value["operation"].string ?? "") else {
                throw Malformed(description: "operation must be `Apply` or `Update`")
            }
            let version = value["apiVersion"].string ?? ""
            guard !version.isEmpty else { throw Malformed(description: "apiVersion must not be empty") }
            switch value["fieldsType"].string ?? "" {
            case "FieldsV1": break
            case "": throw Malformed(description: "missing fieldsType in managed fields entry \(index)")
            case let other:
                throw Malformed(description: "invalid fieldsType \(FieldError.quoted(other)) in managed fields entry \(index)")
            }
            var manager = Manager(
                value["manager"].string ?? "", operation, apiVersion: version, subresource: value["subresource"].string ?? "")
            manager.name = value["manager"].string ?? ""
            let (time, fields) = (value["time"].string, value["fieldsV1"])
            self[manager] =
                isStored
                ? Entry(manager: manager, apiVersion: version, time: time, written: fields)
                : Entry(manager: manager, apiVersion: version, time: time, fields: try FieldSet(fieldsV1: fields))
        }
    }

    /// As the object has it, applies before updates, older before newer; `.null` where there is none.
    public var value: Value {
        if entries.isEmpty { return .null }
        let sorted = entries.sorted { a, b in
            let (x, y) = (a.manager, b.manager)
            if x.operation != y.operation { return x.operation == .apply }
            // Times are written alike, so that their text sorts as they do.
            let (early, late) = (a.time ?? "", b.time ?? "")
            if early != late { return early < late }
            if x.name != y.name { return x.name < y.name }
            if a.apiVersion != b.apiVersion { return a.apiVersion < b.apiVersion }
            return x.subresource < y.subresource
        }
        return .array(sorted.map(\.value))
    }

    /// Whether two lists of an object's form say the same but for the times.
    public static func isSameButForTimes(_ a: Value, _ b: Value) -> Bool {
        let (a, b) = (a.elements, b.elements)
        guard a.count == b.count else { return false }
        return zip(a, b).allSatisfy { x, y in
            var (x, y) = (x, y)
            (x["time"], y["time"]) = (.null, .null)
            return x == y
        }
    }

    /// Whether a client asks to forget who owns what: an empty list, or one with an empty entry.
    public static func isReset(_ list: Value) -> Bool {
        guard case .array(let entries) = list else { return false }
        return entries.isEmpty || (entries.count == 1 && entries[0].fields.isEmpty)
    }

    // MARK: Bounds

    private static let mostUpdates = 10
    private static let ancient = "ancient-changes"

    /// Puts the oldest updates together when there are too many, those of each version into one entry.
    mutating func cap() {
        var updates = entries.filter { $0.manager.operation == .update }
        guard updates.count > Self.mostUpdates else { return }
        updates.sort { a, b in
            let (early, late) = (a.time ?? "", b.time ?? "")
            return early == late ? a.manager.sortKey < b.manager.sortKey : early < late
        }
        var count = updates.count
        var first: [String: Manager] = [:]
        for update in updates where count > Self.mostUpdates {
            let version = update.apiVersion
            guard let oldest = first[version] else {
                first[version] = update.manager
                continue
            }
            let bucket = Manager(Self.ancient, .update, apiVersion: version, subresource: "")
            let before = self[bucket] ?? self[oldest]
            if self[bucket] == nil { self[oldest] = nil }
            self[update.manager] = nil
            self[bucket] = Entry(
                manager: bucket, apiVersion: version, time: update.time, fields: update.fields.union(before?.fields ?? FieldSet()))
            count -= 1
        }
    }
}

extension ManagedFields.Manager {
    fileprivate var sortKey: String { "\(name)\u{0}\(apiVersion)\u{0}\(subresource)" }

    /// As conflicts tell it: `"kubectl" using apps/v1`.
    public var description: String {
        var text = FieldError.quoted(name)
        if !subresource.isEmpty { text += " with subresource \(FieldError.quoted(subresource))" }
        return operation == .update ? "\(text) using \(apiVersion)" : text
    }
}

extension ManagedFields.Entry {
    fileprivate var value: Value {
        [
            "manager": manager.name.isEmpty ? .null : .string(manager.name), "operation": .string(manager.operation.rawValue),
            "apiVersion": .string(apiVersion), "time": Value(time), "fieldsType": "FieldsV1", "fieldsV1": fieldsV1,
            "subresource": manager.subresource.isEmpty ? .null : .string(manager.subresource),
        ]
    }
}
