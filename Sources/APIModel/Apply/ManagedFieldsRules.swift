/// What holds for managed fields that a client brings, and for the names of managers.
public enum ManagedFieldsRules {
    private static let longestName = 128
    private static let longestSubresource = 256

    static func validate(_ list: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, entry) in list.elements.enumerated() {
            let path = path.index(index)
            if ManagedFields.Operation(rawValue: entry["operation"].string ?? "") == nil {
                errors.append(.invalid(path.child("operation"), .string(entry["operation"].string ?? ""), "must be `Apply` or `Update`"))
            }
            if let type = entry["fieldsType"].string, !type.isEmpty, type != "FieldsV1" {
                errors.append(.invalid(path.child("fieldsType"), .string(type), "must be `FieldsV1`"))
            }
            errors += manager(entry["manager"].string ?? "", path.child("manager"))
            if (entry["subresource"].string ?? "").utf8.count > longestSubresource {
                errors.append(.tooLong(path.child("subresource"), limit: longestSubresource))
            }
        }
    }

    /// What is wrong with a manager's name.
    public static func manager(_ name: String, _ path: FieldPath) -> [FieldError] {
        if name.utf8.count > longestName { return [.tooLong(path, limit: longestName)] }
        var errors: [FieldError] = []
        var position = 0
        for scalar in name.unicodeScalars {
            if !isPrintable(scalar) {
                let code = String(scalar.value, radix: 16, uppercase: true)
                let padding = String(repeating: "0", count: max(0, 4 - code.utf8.count))
                errors.append(.invalid(path, .string(name), "invalid character U+\(padding)\(code) (at position \(position))"))
            }
            position += UTF8.width(scalar)
        }
        return errors
    }

    /// The beginning of a text that can be a manager's name.
    public static func name(from text: some StringProtocol) -> String {
        var name = ""
        for scalar in text.unicodeScalars where isPrintable(scalar) {
            if name.utf8.count + UTF8.width(scalar) > longestName { break }
            name.unicodeScalars.append(scalar)
        }
        return name
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .spaceSeparator: scalar == " "
        default: true
        }
    }
}
