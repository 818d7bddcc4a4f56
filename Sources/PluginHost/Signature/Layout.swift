/// The size of a C structure, and its fields that point to something.
///
/// A structure crosses as its own bytes, followed by what each of these fields points to, in their order.
final class Layout: Sendable {
    let name: String
    /// The distance from one element of an array to the next.
    let size: Int
    let fields: [Field]

    struct Field: Sendable {
        let offset: Int
        let target: Target
    }

    enum Target: Sendable {
        /// An `apus_borrowed`.
        case bytes
        /// A pointer to elements of `size` bytes without pointers; how many, says the `uint32_t` at `count`.
        case values(size: Int, count: Int)
        /// A pointer to structures; how many, says the `uint32_t` at `count`.
        case structures(Layout, count: Int)
    }

    init(_ name: String, size: Int, _ fields: [Field] = []) {
        self.name = name
        self.size = size
        self.fields = fields
    }
}
