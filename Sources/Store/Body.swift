/// An object to be written: JSON without the digits of `metadata.resourceVersion`, which the store puts in.
public struct Body: Sendable {
    public var bytes: [UInt8]
    /// Where in `bytes` the digits go, between the quotes.
    public var resourceVersionOffset: Int
    /// The first memo of the record, for a writer that has the decoded form at hand. It must not depend on the revision.
    public var memo: (any AnyObject & Sendable)?
    /// By what the record can be found, where that is known already.
    var terms: Terms?

    public init(bytes: [UInt8], resourceVersionOffset: Int, memo: (any AnyObject & Sendable)? = nil) {
        precondition((0...bytes.count).contains(resourceVersionOffset), "the resourceVersion's place lies outside the object")
        self.bytes = bytes
        self.resourceVersionOffset = resourceVersionOffset
        self.memo = memo
    }

    func bytes(at revision: UInt64) -> [UInt8] {
        let digits = String(revision).utf8
        var spliced: [UInt8] = []
        spliced.reserveCapacity(bytes.count + digits.count)
        spliced += bytes[..<resourceVersionOffset]
        spliced += digits
        spliced += bytes[resourceVersionOffset...]
        return spliced
    }
}
