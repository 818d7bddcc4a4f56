/// Reads the text form of a catalogue, which `scripts/update-catalogue` explains. A table that does not keep to it is a broken build, hence
/// the preconditions.
struct CatalogueReader {
    private(set) var types: [TypeSchema] = []
    private(set) var scalars: [Catalogue.ScalarType] = []
    private(set) var kinds: [GroupVersionKind: Int] = [:]
    private(set) var groups: [(name: String, versions: [String])] = []
    private(set) var resources: [ResourceType] = []

    private let bytes: UnsafeBufferPointer<UInt8>
    private let find: @Sendable (String) -> TypeSchema?

    /// Package paths by alias.
    private var packages: [String: String] = [:]
    private var scalarNames: Set<String> = []
    /// One reference for each name, so that a type is looked up once for all its uses.
    private var references: [String: TypeReference] = [:]
    private var columns: [String: [ResourceType.PrintColumn]] = [:]
    private var everywhere: [GroupVersion] = []

    // What the lines being read belong to.
    private var package = ""
    private var packageVersion: GroupVersion?
    private var isProto3 = false
    private var section = Section.none
    private var typeName = ""
    private var fields: [FieldSchema] = []
    private var columnsName = ""
    private var selectedKind = ""
    private var selectableFields: [String: [SelectableField]] = [:]

    private enum Section { case none, type, columns, resource, fields }

    init(bytes: UnsafeBufferPointer<UInt8>, find: @escaping @Sendable (String) -> TypeSchema?) {
        self.bytes = bytes
        self.find = find
    }

    mutating func read() {
        // Fields name packages and scalars that come later, and so do kinds of every group version, so these are known first.
        forEachLine { reader, line in
            guard line.first == UInt8(ascii: "p") || line.first == UInt8(ascii: "s") || line.first == UInt8(ascii: "e") else { return }
            let words = CatalogueWords(line)
            switch words[0] {
            case "package":
                reader.package = words[1]
                reader.packages[words[2]] = words[1]
            case "scalar":
                reader.scalarNames.insert(reader.qualified(words[1]))
            case "everywhere":
                reader.everywhere += words.from(1).map(reader.groupVersion)
            default: break
            }
        }
        forEachLine { reader, line in
            switch line.first {
            case nil, UInt8(ascii: "#"): break
            case UInt8(ascii: " "): reader.readDetail(UnsafeBufferPointer(rebasing: line.dropFirst()))
            default: reader.readHead(CatalogueWords(line))
            }
        }
        endType()
        for index in resources.indices {
            resources[index].selectableFields = selectableFields["\(resources[index].group)/\(resources[index].kind)"]
        }
    }

    private mutating func forEachLine(_ body: (inout CatalogueReader, UnsafeBufferPointer<UInt8>) -> Void) {
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
            body(&self, UnsafeBufferPointer(rebasing: bytes[start..<end]))
            start = end + 1
        }
    }

    private mutating func readHead(_ words: CatalogueWords) {
        endType()
        section = .none
        switch words[0] {
        case "proto3": isProto3 = true
        case "everywhere": break
        case "package":
            package = words[1]
            packageVersion = words.count > 3 ? groupVersion(words[3]) : nil
        case "type": beginType(words)
        case "scalar":
            scalars.append(
                Catalogue.ScalarType(
                    name: qualified(words[1]), type: words.count > 2 ? words[2] : "", format: words.count > 3 ? words[3] : ""))
        case "group": groups.append((name: words[1] == "-" ? "" : words[1], versions: words.from(2)))
        case "columns":
            section = .columns
            columnsName = words[1]
        case "resource":
            section = .resource
            resources.append(resource(words))
        case "fields":
            section = .fields
            selectedKind = "\(words[1] == "-" ? "" : words[1])/\(words[2])"
        default: preconditionFailure("the catalogue has a line of an unknown form: \(words[0])")
        }
    }

    private mutating func readDetail(_ line: UnsafeBufferPointer<UInt8>) {
        switch section {
        case .type: fields.append(field(CatalogueWords(line)))
        case .columns: columns[columnsName, default: []].append(column(CatalogueWords(line, limit: 4)))
        case .resource: resources[resources.count - 1].subresources.append(subresource(CatalogueWords(line)))
        case .fields: selectableFields[selectedKind, default: []].append(selectableField(CatalogueWords(line)))
        case .none: preconditionFailure("the catalogue has an indented line that belongs to none")
        }
    }
}

// MARK: Types

extension CatalogueReader {
    private func qualified(_ name: String) -> String { package == "-" ? name : "\(package).\(name)" }

    private mutating func beginType(_ words: CatalogueWords) {
        section = .type
        typeName = qualified(words[1])
        fields.removeAll(keepingCapacity: true)
        for flag in words.from(2) {
            switch flag {
            case "kind": if let packageVersion { kinds[packageVersion.kind(words[1])] = types.count }
            case "kind=*": for version in everywhere { kinds[version.kind(words[1])] = types.count }
            default: kinds[groupVersion(String(flag.dropFirst("kind=".count))).kind(words[1])] = types.count
            }
        }
    }

    private mutating func endType() {
        guard section == .type else { return }
        types.append(SchemaTables.type(typeName, fields))
    }

    private mutating func field(_ words: CatalogueWords) -> FieldSchema {
        var field = FieldSchema(name: words[0], type: type(words[2]))
        field.isOptional = isProto3
        let numbers = words.numbers(1)
        field.number = numbers[numbers.count - 1]
        if numbers.count > 1 { field.inlineIn = numbers[0] }
        if numbers.count > 2 { field.inlineInner = numbers[1] }
        for index in 3..<max(3, words.count) { apply(words[index], to: &field) }
        return field
    }

    private func apply(_ flag: String, to field: inout FieldSchema) {
        switch flag {
        case "r":
            field.isRequired = true
            field.isWritten = true
        case "0": field.isWritten = true
        case "-": field.isWritten = false
        case "?": field.isOptional = true
        case "set": field.listType = .set
        case "atomic": field.isAtomicMap = true
        case "merge": field.patchStrategy.insert(.merge)
        case "retainKeys": field.patchStrategy.insert(.retainKeys)
        default:
            if flag.hasPrefix("map=") {
                field.listType = .map
                field.listMapKeys = flag.dropFirst("map=".count).split(separator: ",").map(String.init)
            } else if flag.hasPrefix("merge=") {
                field.patchStrategy.insert(.merge)
                field.patchMergeKey = String(flag.dropFirst("merge=".count))
            } else {
                preconditionFailure("the catalogue has an unknown flag: \(flag)")
            }
        }
    }

    private static let scalarTypes: [String: FieldType] = [
        "string": .string, "bool": .boolean, "int32": .int32, "int64": .int64, "double": .double, "bytes": .bytes, "time": .time,
        "microtime": .microTime,
        "quantity": .quantity, "intorstring": .intOrString,
    ]

    private mutating func type(_ word: String) -> FieldType {
        if let scalar = Self.scalarTypes[word] { return scalar }
        if word.hasPrefix("[") { return .array(type(String(word.dropFirst().dropLast()))) }
        if word.hasPrefix("{") { return .map(type(String(word.dropFirst().dropLast()))) }
        var name = qualified(word)
        if let dot = word.lastIndex(of: ".") {
            guard let package = packages[String(word[..<dot])] else { preconditionFailure("the catalogue has no package \(word[..<dot])") }
            name = package + word[dot...]
        }
        if scalarNames.contains(name) { return .any(name: name) }
        return .object(reference(name))
    }

    private mutating func reference(_ name: String) -> TypeReference {
        if let reference = references[name] { return reference }
        let reference = TypeReference(name: name, find: find)
        references[name] = reference
        return reference
    }
}

// MARK: Resources

extension CatalogueReader {
    private func groupVersion(_ word: String) -> GroupVersion {
        guard let version = GroupVersion(word) else { preconditionFailure("the catalogue has a bad group version: \(word)") }
        return version
    }

    private func column(_ words: CatalogueWords) -> ResourceType.PrintColumn {
        ResourceType.PrintColumn(
            name: words[3], type: words[1], format: words[2] == "-" ? "" : words[2], description: "", priority: Int(words[0]) ?? 0,
            jsonPath: nil)
    }

    /// What a kind without columns of its own shows.
    private static let defaultColumns = [
        ResourceType.PrintColumn(name: "Name", type: "string", format: "name", description: "", priority: 0, jsonPath: nil),
        ResourceType.PrintColumn(name: "Created At", type: "date", format: "", description: "", priority: 0, jsonPath: nil),
    ]

    private mutating func resource(_ words: CatalogueWords) -> ResourceType {
        let version = groupVersion(words[1])
        guard let type = kinds[version.kind(words[4])] else {
            preconditionFailure("the catalogue has no type for \(version), Kind=\(words[4])")
        }
        var resource = ResourceType(
            group: version.group, version: version.version, name: words[2], singularName: words[3], kind: words[4],
            isNamespaced: words[5] == "namespaced",
            verbs: Self.verbs(words[6]), shortNames: [], categories: [], storageVersionHash: nil, subresources: [],
            columns: Self.defaultColumns,
            schema: reference(types[type].name))
        for word in words.from(7) {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            switch parts[0] {
            case "all": resource.categories = parts[1].split(separator: ",").map(String.init)
            case "short": resource.shortNames = parts[1].split(separator: ",").map(String.init)
            case "hash": resource.storageVersionHash = parts[1]
            case "columns": resource.columns = columns[parts[1]] ?? []
            default: preconditionFailure("the catalogue has an unknown property: \(word)")
            }
        }
        return resource
    }

    private func subresource(_ words: CatalogueWords) -> ResourceType.Subresource {
        ResourceType.Subresource(name: words[0], kind: groupVersion(words[1]).kind(words[2]), verbs: Self.verbs(words[3]))
    }

    private func selectableField(_ words: CatalogueWords) -> SelectableField {
        let rest = words.from(1)
        let path = rest.first { $0 != "index" } ?? words[0]
        return SelectableField(name: words[0], path: ValuePath(path), isIndexed: rest.contains("index"))
    }

    private static let verbLetters: [(letter: Character, verb: String)] = [
        ("c", "create"), ("d", "delete"), ("D", "deletecollection"), ("g", "get"), ("l", "list"), ("p", "patch"), ("u", "update"),
        ("w", "watch"),
    ]

    private static func verbs(_ letters: String) -> [String] { verbLetters.compactMap { letters.contains($0.letter) ? $0.verb : nil } }
}

extension GroupVersion {
    fileprivate func kind(_ kind: String) -> GroupVersionKind { GroupVersionKind(group: group, version: version, kind: kind) }
}
