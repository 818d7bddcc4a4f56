extension FieldSchema {
    /// The default that OpenAPI tells of a built-in field, `nil` for none.
    ///
    /// Of what Go never leaves out it is zero, an empty string or an empty object. Of the rest nothing is told but where the table says so:
    /// most defaults are set by code, of which upstream's schemas know nothing.
    var publishedDefault: Value? {
        if let published { return published }
        if isOptional { return nil }
        switch type {
        case .object: return .emptyObject
        case .string, .boolean, .int32, .int64: return isWritten ? ZeroObject.zero(type) : nil
        default: return nil
        }
    }
}
