import APIModel

/// Writes the fields of an object one after another, without making a value of them first: of most requests there are two events, and they
/// should cost next to nothing.
struct AuditEncoder {
    private(set) var encoded: [UInt8]

    init(capacity: Int) {
        encoded = []
        encoded.reserveCapacity(capacity)
        encoded.append(UInt8(ascii: "{"))
    }

    /// The whole object.
    var bytes: [UInt8] {
        consuming get {
            encoded.append(UInt8(ascii: "}"))
            return encoded
        }
    }

    mutating func add(_ name: String, _ text: String) {
        key(name)
        JSON.encode(.string(text), into: &encoded)
    }

    mutating func addUnlessEmpty(_ name: String, _ text: String) { if !text.isEmpty { add(name, text) } }

    mutating func add(_ name: String, _ value: Value) {
        key(name)
        JSON.encode(value, into: &encoded)
    }

    /// An object, of which `body` adds the fields.
    mutating func add(_ name: String, _ body: (inout AuditEncoder) -> Void) {
        key(name)
        encoded.append(UInt8(ascii: "{"))
        body(&self)
        encoded.append(UInt8(ascii: "}"))
    }

    private mutating func key(_ name: String) {
        if encoded.last != UInt8(ascii: "{") { encoded.append(UInt8(ascii: ",")) }
        JSON.encode(.string(name), into: &encoded)
        encoded.append(UInt8(ascii: ":"))
    }
}
