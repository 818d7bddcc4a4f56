internal import APIModel
internal import PluginHost

/// What the reader of manifests says of a Plugin object that somebody wants to write: the API refuses what could not run for its manifest
/// alone.
enum ManifestCheck {
    static func errors(_ object: Value) -> [FieldError] {
        do {
            _ = try PluginManifest(object: object)
            return []
        } catch {
            return [fieldError((error as? PluginError)?.message ?? "\(error)", object)]
        }
    }

    /// Messages begin with the field's path: `spec.rules[0].verbs: must not be empty`.
    private static func fieldError(_ message: String, _ object: Value) -> FieldError {
        guard let colon = message.firstRange(of: ": "), !message[..<colon.lowerBound].contains(" ") else {
            return .invalid("spec", object["spec"], message)
        }
        let path = String(message[..<colon.lowerBound])
        let detail = String(message[colon.upperBound...])
        let value = value(at: path, in: object)
        return value.isNull ? .required(FieldPath(path), detail) : .invalid(FieldPath(path), value, detail)
    }

    /// `spec.controller.watches[0].map`
    private static func value(at path: String, in object: Value) -> Value {
        path.split(separator: ".").reduce(object) { value, step in
            let parts = step.split(separator: "[")
            return parts.dropFirst().reduce(value[String(parts[0])]) { $0[Int($1.dropLast()) ?? 0] }
        }
    }
}
