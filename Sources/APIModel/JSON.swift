public enum JSON {
    public static func decode(_ bytes: [UInt8]) throws -> Value { .null }
    public static func encode(_ value: Value) -> [UInt8] { [] }
}
