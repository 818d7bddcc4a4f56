/// The size of a C structure, and its fields that point to something.
///
/// A structure crosses as its own bytes, followed by what each of these fields points to, in their order: how much that is, the structure
/// says itself, so an empty field adds nothing. One that is given by a pointer of its own begins with its size; a row of an array does not.
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

/// Structures that say their size before anything else.
enum Sized {
    /// What is wrong with the size that a structure says; `nil` for nothing. A larger one is of a newer maker.
    static func problem(_ name: String, _ structure: UnsafeRawPointer, _ size: Int) -> String? {
        let said = Int(structure.load(as: UInt32.self))
        return said >= size ? nil : "the \(name) says that it has \(said) bytes, fewer than the \(size) of ABI 1.0: set its `size`"
    }
}
