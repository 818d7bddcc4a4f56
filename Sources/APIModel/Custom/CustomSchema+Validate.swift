internal import OrderedCollections

extension CustomSchema {
    /// What is wrong with an object of the kind, in upstream's words. What was wrong with `old` already does not count where nothing has
    /// changed: a schema that has become stricter does not stop those who mean something else.
    func validate(_ object: Value, old: Value? = nil) -> [FieldError] {
        var errors: [FieldError] = []
        validate(object, old: old, FieldPath(), isResource: true, &errors)
        checkEmbedded(object, FieldPath(), isRoot: true, &errors)
        if let old, errors.contains(where: \.isOfListType), validate(old).contains(where: \.isOfListType) {
            errors.removeAll(where: \.isOfListType)
        }
        return errors
    }

    /// What is wrong with a value that stands in a definition: a default. What is told of it leaves out where that is.
    public func problems(of value: Value, at path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        validate(value, FieldPath(), isResource: isEmbeddedResource, &errors)
        return errors.map { error in
            var error = error
            if error.field.isEmpty, error.detail.hasPrefix("in body") { error.detail = " " + error.detail }
            error.field = error.field.isEmpty ? path.description : "\(path).\(error.field)"
            return error
        }
    }

    /// - Parameter old: what stood there, where that can be told; elements of a list without keys cannot.
    private func validate(_ value: Value, old: Value? = nil, _ path: FieldPath, isResource: Bool, _ errors: inout [FieldError]) {
        let before = errors.count
        judge(value, old: old, path, isResource: isResource, &errors)
        if errors.count > before, let old, old == value { errors.removeSubrange(before...) }
    }

    private func judge(_ value: Value, old: Value?, _ path: FieldPath, isResource: Bool, _ errors: inout [FieldError]) {
        if value.isNull, isNullable { return }
        guard isOfKind(value) else {
            let found = Self.typeName(value)
            errors.append(.typeInvalid(path, found, says(path, "must be of type \(typeWord): \"\(found)\"")))
            checkAllowed(value, path, &errors)
            if kind == .integer, case .double = value { errors.append(Self.nowhere(Self.unwhole(path, "(default format)"))) }
            return
        }
        check(value, path, &errors)
        switch value {
        case .object(let fields):
            for name in required where fields[name] == nil { errors.append(.required(path.child(name))) }
            for (name, field) in fields where !(isResource && ObjectFields.names.contains(name)) {
                guard let schema = properties[name] ?? additional else { continue }
                schema.validate(field, old: old?.fields[name], path.child(name), isResource: schema.isEmbeddedResource, &errors)
            }
        case .array(let elements):
            if let items {
                for (index, element) in elements.enumerated() {
                    let before = twin(of: element, in: old)
                    items.validate(element, old: before, path.index(index), isResource: items.isEmbeddedResource, &errors)
                }
            }
            checkListType(elements, path, &errors)
        default: break
        }
    }

    /// The element that has the same keys.
    private func twin(of element: Value, in old: Value?) -> Value? {
        guard case .map = listType, let old else { return nil }
        return old.elements.first { before in listMapKeys.allSatisfy { before[$0] == element[$0] } }
    }

    // MARK: Types

    private var typeWord: String { isIntOrString ? "integer,string" : kind.rawValue }

    private func isOfKind(_ value: Value) -> Bool {
        if isIntOrString { return value.int != nil || value.string != nil }
        switch (kind, value) {
        case (.any, .null): return preservesUnknownFields || !demands.any.isEmpty || properties.isEmpty
        case (.any, _), (.object, .object), (.array, .array), (.string, .string), (.boolean, .bool), (.integer, .int), (.number, .int),
            (.number, .double):
            return true
        case (.integer, .double(let double)): return double == double.rounded()
        default: return false
        }
    }

    private static func typeName(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .int: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    private func says(_ path: FieldPath, _ what: String) -> String {
        let place = path.description
        return place.isEmpty ? "in body \(what)" : "\(place) in body \(what)"
    }

    // MARK: Demands

    private func check(_ value: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        checkAllowed(value, path, &errors)
        switch value {
        case .string(let text): checkText(text, path, &errors)
        case .int, .double: checkNumber(value, path, &errors)
        case .array(let elements):
            checkCount(elements.count, demands.items, "items", path, &errors)
            if demands.hasUniqueItems, Self.firstTwin(elements) != nil {
                errors.append(.invalid(path, value, says(path, "shouldn't contain duplicates")))
            }
        case .object(let fields): checkCount(fields.count, demands.properties, "properties", path, &errors)
        default: break
        }
        checkCombinations(value, path, &errors)
    }

    private func checkAllowed(_ value: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard !demands.allowed.isEmpty, !demands.allowed.contains(value) else { return }
        errors.append(.notSupported(path, value, demands.allowed.map { $0.string ?? String(decoding: JSON.encode($0), as: UTF8.self) }))
    }

    /// What upstream says without a field: the place is in the words.
    private static func nowhere(_ detail: String) -> FieldError { .invalid("<nil>", "", detail) }

    private static func unwhole(_ path: FieldPath, _ form: String) -> String { "Checked value must be of type integer \(form) in \(path)" }

    /// The first that is wrong of length and pattern, and the format.
    private func checkText(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let length = text.unicodeScalars.count
        if let most = demands.length.most, length > most {
            errors.append(.tooLong(path, limit: most))
        } else if let least = demands.length.least, length < least {
            errors.append(.invalid(path, .string(text), says(path, "should be at least \(least) chars long")))
        } else if let pattern = demands.pattern, !pattern.matches(text) {
            errors.append(.invalid(path, .string(text), says(path, "should match '\(pattern.text)'")))
        }
        if !demands.format.isEmpty, kind == .string, let isFormatted = StringFormats.checks[demands.format], !isFormatted(text) {
            errors.append(.typeInvalid(path, text, says(path, "must be of type \(demands.format): \(FieldError.quoted(text))")))
        }
    }

    private func checkNumber(_ value: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        if let (bound, isExclusive) = demands.minimum {
            let order = Self.compare(value, bound)
            if order < 0 || (isExclusive && order == 0) {
                errors.append(
                    .invalid(path, value, says(path, "should be greater than \(isExclusive ? "" : "or equal to ")\(Self.text(bound))")))
            }
        }
        if let (bound, isExclusive) = demands.maximum {
            let order = Self.compare(value, bound)
            if order > 0 || (isExclusive && order == 0) {
                errors.append(
                    .invalid(path, value, says(path, "should be less than \(isExclusive ? "" : "or equal to ")\(Self.text(bound))")))
            }
        }
        if let factor = demands.factor, factor > 0, let number = value.number {
            let quotient = number / factor
            if quotient != quotient.rounded() {
                errors.append(.invalid(path, value, says(path, "should be a multiple of \(Self.text(.double(factor)))")))
            }
        }
        switch (demands.format, value) {
        case ("int32", .int(let int)) where Int32(exactly: int) == nil:
            errors.append(Self.nowhere(Self.unwhole(path, "with format int32")))
        case ("int64", .double(let double)) where Int64(exactly: double) == nil:
            errors.append(.typeInvalid(path, "float64", says(path, "must be of type int64: \"float64\"")))
            errors.append(Self.nowhere(Self.unwhole(path, "with format int64")))
        default: break
        }
    }

    /// Whole numbers as such: doubles would lose the last digits of large ones.
    private static func compare(_ a: Value, _ b: Value) -> Int {
        if case .int(let a) = a, case .int(let b) = b { return a < b ? -1 : a == b ? 0 : 1 }
        let (a, b) = (a.number ?? 0, b.number ?? 0)
        return a < b ? -1 : a == b ? 0 : 1
    }

    private static func text(_ number: Value) -> String {
        if case .double(let double) = number, let int = Int64(exactly: double) { return String(int) }
        return String(decoding: JSON.encode(number), as: UTF8.self)
    }

    private func checkCount(
        _ count: Int, _ bounds: (least: Int?, most: Int?), _ noun: String, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        if let least = bounds.least, count < least {
            errors.append(.invalid(path, Value(count), says(path, "should have at least \(least) \(noun)")))
        }
        if let most = bounds.most, count > most { errors.append(.tooMany(path, count: count, limit: most)) }
    }

    private func checkCombinations(_ value: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        func problems(_ schema: CustomSchema) -> [FieldError] {
            var found: [FieldError] = []
            schema.validate(value, path, isResource: false, &found)
            return found
        }
        let place = FieldError.quoted(path.description)
        /// Says it, with what is wrong by the first of the alternatives.
        func refuse(_ what: String, _ nearest: [FieldError] = []) { errors += [Self.nowhere("\(place) must \(what)")] + nearest }

        let all = demands.all.map(problems)
        errors += all.joined()
        if all.contains(where: { !$0.isEmpty }) {
            refuse("validate all the schemas (allOf)" + (all.contains(where: \.isEmpty) ? "" : ". None validated"))
        }
        let any = demands.any.map(problems)
        if let nearest = any.first, !any.contains(where: \.isEmpty) { refuse("validate at least one schema (anyOf)", nearest) }
        let one = demands.one.map(problems)
        switch one.count(where: \.isEmpty) {
        case 0: if let nearest = one.first { refuse("validate one and only one schema (oneOf). Found none valid", nearest) }
        case 1: break
        case let count: refuse("validate one and only one schema (oneOf). Found \(count) valid alternatives")
        }
        if let not = demands.not.first, problems(not).isEmpty { refuse("not validate the schema (not)") }
    }

    // MARK: Lists

    private func checkListType(_ elements: [Value], _ path: FieldPath, _ errors: inout [FieldError]) {
        switch listType {
        case .atomic: return
        case .set:
            var seen: Set<Value> = []
            for (index, element) in elements.enumerated() where !seen.insert(element).inserted {
                errors.append(.duplicate(path.index(index), element))
            }
        case .map:
            var seen: Set<Value> = []
            for (index, element) in elements.enumerated() {
                let key = Value.object(
                    Value.Fields(listMapKeys.map { ($0, element[$0]) }, uniquingKeysWith: { first, _ in first }))
                if !seen.insert(key).inserted { errors.append(.duplicate(path.index(index), key)) }
            }
        }
    }

    private static func firstTwin(_ elements: [Value]) -> Int? {
        var seen: Set<Value> = []
        return elements.firstIndex { !seen.insert($0).inserted }
    }
}

extension FieldError {
    /// Whether it says that a list has something twice; nothing else in a schema says so of duplicates.
    fileprivate var isOfListType: Bool { type == .duplicate }
}
