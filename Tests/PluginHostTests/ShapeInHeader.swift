@testable import PluginHost

extension Shape {
    /// Whether a parameter, as the header writes it, is one of this shape.
    func fits(_ parameter: String) -> Bool {
        switch self {
        case .me: parameter.hasPrefix("void *APUS_NULLABLE ") && ["self", "context"].contains { parameter.hasSuffix(" " + $0) }
        case .newMe: parameter == "void *APUS_NULLABLE *APUS_NONNULL self"
        case .table: parameter.hasPrefix("const apus_component *APUS_NONNULL ")
        case .host: parameter.hasPrefix("const apus_host *APUS_NONNULL ")
        case .int32: ["int32_t ", "apus_status "].contains { parameter.hasPrefix($0) } && !parameter.contains("*")
        case .int64: parameter.hasPrefix("int64_t ") && !parameter.contains("*")
        case .bytes: parameter.hasPrefix("apus_borrowed ")
        case .text: parameter.hasPrefix("const char *APUS_NONNULL ")
        case .structure(let layout, let optional):
            parameter.hasPrefix("const \(layout.name) *\(optional ? "APUS_NULLABLE" : "APUS_NONNULL") ")
        case .shared: parameter.hasPrefix("const apus_nodes *APUS_NONNULL ")
        case .array(let element, _, let direction, let optional):
            parameter.hasPrefix(
                "\(direction == .in ? "const " : "")\(element == 8 ? "uint64_t" : "int32_t") *\(optional ? "APUS_NULLABLE" : "APUS_NONNULL") "
            )
        case .number(let bytes, _): parameter.hasPrefix("int\(bytes * 8)_t *APUS_NONNULL ")
        case .handle: parameter == "void *APUS_NULLABLE stream"
        case .newHandle: parameter == "void *APUS_NULLABLE *APUS_NONNULL stream"
        case .sink: parameter.hasPrefix("const apus_sink *APUS_NONNULL ")
        case .callbacks(let callbacks, let optional):
            parameter.hasPrefix("const \(callbacks.name) *\(optional ? "APUS_NULLABLE" : "APUS_NONNULL") ")
        }
    }
}
