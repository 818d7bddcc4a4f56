internal import PluginAPI

/// The arguments of one call to a host function, by position. Argument 0 is the context, which nobody reads: the function itself knows whom
/// it was made for.
struct CallFrame {
    fileprivate let arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    private func load<T>(_ index: Int, as type: T.Type) -> T { arguments[index].unsafelyUnwrapped.load(as: type) }

    func int32(_ index: Int) -> Int32 { load(index, as: Int32.self) }
    func bytes(_ index: Int) -> [UInt8] { load(index, as: apus_borrowed.self).array }
    func string(_ index: Int) -> String { load(index, as: apus_borrowed.self).string }
    func pointer<T>(_ index: Int, to type: T.Type) -> UnsafePointer<T> {
        UnsafePointer(load(index, as: UnsafeRawPointer.self).assumingMemoryBound(to: type))
    }
}

/// What a host function answers.
enum CallResult {
    case nothing
    case status(apus_status)
    case pointer(UnsafeRawPointer?)
}

/// A C function made at run time for one component, so that the host knows who calls without trusting an argument.
///
/// Never freed: a library is never unmapped, and a thread of it that outlives `stop` may still call.
struct HostFunction {
    /// The address to put into a table.
    let code: UnsafeMutableRawPointer

    private final class Handler: Sendable {
        let call: @Sendable (CallFrame) -> CallResult
        init(_ call: @escaping @Sendable (CallFrame) -> CallResult) { self.call = call }
    }

    init(_ slot: SlotDescriptor, _ call: @escaping @Sendable (CallFrame) -> CallResult) {
        code = slot.interface.makeFunction(Handler(call)) { _, result, arguments, handler in
            let handler = Unmanaged<Handler>.fromOpaque(handler.unsafelyUnwrapped).takeUnretainedValue()
            switch handler.call(CallFrame(arguments: arguments.unsafelyUnwrapped)) {
            case .nothing: break
            // libffi wants a small result widened to a register.
            case .status(let status): result?.storeBytes(of: Int64(status), as: Int64.self)
            case .pointer(let pointer): result?.storeBytes(of: pointer, as: UnsafeRawPointer?.self)
            }
        }
    }
}

/// A table of host functions, in the order of the descriptor's slots. Lives as long as the process.
func hostTable(_ descriptor: TableDescriptor, _ calls: [@Sendable (CallFrame) -> CallResult]) -> UnsafeRawPointer {
    precondition(calls.count == descriptor.slots.count, "there is not one function for each slot of \(descriptor.id)")
    let table = UnsafeMutableRawPointer.allocate(byteCount: descriptor.size, alignment: 8)
    table.storeBytes(of: UInt64(descriptor.size), as: UInt64.self)
    for (index, (slot, call)) in zip(descriptor.slots, calls).enumerated() {
        table.storeBytes(of: HostFunction(slot, call).code, toByteOffset: descriptor.offset(of: index), as: UnsafeMutableRawPointer.self)
    }
    return UnsafeRawPointer(table)
}
