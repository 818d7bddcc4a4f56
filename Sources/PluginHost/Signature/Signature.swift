internal import CFFI

/// What a value of the ABI is to libffi.
enum ArgumentType: Sendable {
    case void
    case int32
    case int64
    case pointer
    /// An `apus_borrowed`, passed by value.
    case bytes
}

/// The shape of one slot, as data: from it libffi makes a function of that shape.
struct Signature: Sendable {
    let name: String
    let result: ArgumentType
    let arguments: [ArgumentType]

    init(_ name: String, _ arguments: [ArgumentType], _ result: ArgumentType) {
        self.name = name
        self.arguments = arguments
        self.result = result
    }
}

extension ArgumentType {
    /// libffi's description. Lives as long as the process.
    var ffi: UnsafeMutablePointer<ffi_type> {
        switch self {
        case .void: Types.shared.void
        case .int32: Types.shared.int32
        case .int64: Types.shared.int64
        case .pointer: Types.shared.pointer
        case .bytes: Types.shared.bytes
        }
    }

    private struct Types: @unchecked Sendable {
        // Sendable because the descriptions do not change after the first use of `bytes`, whose size `init` has libffi work out.
        static let shared = Types()
        let void = make(1, 1, FFI_TYPE_VOID)
        let int32 = make(4, 4, FFI_TYPE_SINT32)
        let int64 = make(8, 8, FFI_TYPE_SINT64)
        let pointer = make(8, 8, FFI_TYPE_POINTER)
        let bytes: UnsafeMutablePointer<ffi_type>

        private init() {
            // apus_borrowed { const uint8_t *bytes; uint64_t count; }
            let elements = UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>.allocate(capacity: 3)
            elements.initialize(to: pointer)
            (elements + 1).initialize(to: Self.make(8, 8, FFI_TYPE_UINT64))
            (elements + 2).initialize(to: nil)
            bytes = Self.make(16, 8, FFI_TYPE_STRUCT, elements)
        }

        private static func make(
            _ size: Int, _ alignment: UInt16, _ type: Int32, _ elements: UnsafeMutablePointer<UnsafeMutablePointer<ffi_type>?>? = nil
        ) -> UnsafeMutablePointer<ffi_type> {
            let pointer = UnsafeMutablePointer<ffi_type>.allocate(capacity: 1)
            pointer.initialize(to: ffi_type(size: size, alignment: alignment, type: UInt16(type), elements: elements))
            return pointer
        }
    }
}
