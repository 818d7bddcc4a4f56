import APIModel

/// What `fieldValidation` asks to be done about unknown and duplicate fields.
struct FieldChecks: Sendable {
    enum Mode: String, Sendable {
        case strict = "Strict"
        case warn = "Warn"
        case ignore = "Ignore"
    }
    var mode: Mode
    var write: Write

    /// - Throws: 400 with all of them when the mode is strict.
    func report(unknown: [String], duplicates: [String] = [], kind: GroupVersionKind) throws {
        guard !unknown.isEmpty || !duplicates.isEmpty else { return }
        switch mode {
        case .ignore: return
        case .warn: for warning in duplicates.map(Pruning.duplicateField) + unknown.map(Pruning.unknownField) { write.warn(warning) }
        case .strict: throw Pruning.strictError(unknown: unknown, duplicates: duplicates, kind: kind)
        }
    }

    static func mode(_ query: String?) throws -> Mode {
        guard let query, !query.isEmpty else { return .warn }
        guard let mode = Mode(rawValue: query) else {
            throw APIError(
                code: 422, reason: .invalid,
                message:
                    "CreateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"\(query)\": supported values: \"Ignore\", \"Strict\", \"Warn\""
            )
        }
        return mode
    }
}
