/// What one argument of a slot is, and how it crosses to another process.
indirect enum Shape: Sendable {
    /// `self` or `context` (`void *`): never sent, the receiving side knows it.
    case me
    /// `void **self` of `create`: what the callee makes stays where it was made, as the `self` of every table it offers.
    case newMe
    /// The structure that the slot stands in: never sent.
    case table
    /// `const apus_host *`: never sent, the receiving side has its own.
    case host
    case int32
    case int64
    /// `apus_borrowed` by value.
    case bytes
    /// `const char *`, NUL-terminated.
    case text
    /// `const T *`, copied with all that it points to.
    case structure(Layout, optional: Bool = false)
    /// `const T *` into memory that both sides map at one address: only the address crosses. `size` is the structure's.
    case shared(size: Int)
    /// `T *`, as many elements as `Count` says.
    case array(element: Int, Count, Direction, optional: Bool = false)
    /// `int32_t *` or `int64_t *`.
    case number(bytes: Int, Direction)
    /// `void *` that the plugin chose: a stream.
    case handle
    /// `void **` for a handle.
    case newHandle
    /// `const apus_sink *`: collected where it is written, sent with the answer. More than `limit` bytes is a fault.
    case sink(limit: Int)
    /// `const struct { void *context; functions } *`: calls back.
    case callbacks(Callbacks, optional: Bool = false)
}

/// Which way the elements behind a pointer go. What goes out only is sent back when the slot answered OK.
enum Direction: Sendable, Equatable {
    case `in`, out, inOut

    var isIn: Bool { self != .out }
    var isOut: Bool { self != .in }
}

/// Where the length of an array stands: a `uint32_t` in a structure that another argument points to.
struct Count: Sendable {
    /// The argument's position: of this call, or, in a callback, of the call that the callback was lent for.
    let argument: Int
    let isOfEnclosingCall: Bool
    /// Where in the structure.
    let offset: Int
    /// Whether it counts the bits of 64-bit words, and the elements are those words.
    let isBits: Bool

    init(_ argument: Int, offset: Int, isBits: Bool = false, isOfEnclosingCall: Bool = false) {
        self.argument = argument
        self.offset = offset
        self.isBits = isBits
        self.isOfEnclosingCall = isOfEnclosingCall
    }

    /// How many elements a structure at `base` asks for.
    func elements(_ base: UnsafeRawPointer) -> Int {
        let count = Int(base.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        return isBits ? (count + 63) / 64 : count
    }
}
